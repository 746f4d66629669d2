"""Names of the tensors in public checkpoints of Coarse-Fine Networks."""

from ssdet_keras.models.layouts.x3d_layouts import X3D_MULTIGRID
from ssdet_keras.models.layouts.x3d_layouts import X3DLayout

_MODULATION_LAYERS = {
    "at1": "attention_hidden",
    "at2": "attention",
    "fc1": "shift_hidden",
    "fc2": "shift",
    "fc3": "scale_hidden",
    "fc4": "scale",
}
_MODULATIONS = {
    "rw2": "fusion_stage1_modulation",
    "rw3": "fusion_stage2_modulation",
    "rw4": "fusion_stage3_modulation",
    "rw5": "fusion_stage4_modulation",
    "rw6": "fusion_logits",
}


class CoarseFineLayout(X3DLayout):
    """How the public code names the modules of the Coarse stream."""

    def matches(self, tensor_names):
        return "grid_pool/conv1/kernel" in map(self.weight_path, tensor_names)

    def axes(self, path, rank):
        if path == "grid_pool/confidence/kernel":
            return (2, 3, 1, 0)  # Of outputs, inputs, 1, height, width.
        return super().axes(path, rank)


# https://github.com/kkahatapitiya/Coarse-Fine-Networks. The Fine stream is in
# the layout of X3D-Multigrid.
COARSE_FINE = CoarseFineLayout(
    **{
        **vars(X3D_MULTIGRID),
        "name": "Coarse-Fine Networks",
        "layers": {
            **X3D_MULTIGRID.layers,
            "pool_1.conv1": "grid_pool/conv1",
            "pool_1.bn1": "grid_pool/conv1_norm",
            "pool_1.conv2": "grid_pool/conv2",
            "pool_1.bn2": "grid_pool/conv2_norm",
            "pool_1.conv3": "grid_pool/confidence",
            **{
                f"{module}.{part}": f"{layer}/{ours}"
                for module, layer in _MODULATIONS.items()
                for part, ours in _MODULATION_LAYERS.items()
            },
            **{
                f"mix{stage + 1}.{part}": f"fusion_stage{stage}/{ours}"
                for stage in range(1, 5)
                for part, ours in (("conv_at", "shift"), ("conv_at2", "scale"))
            },
        },
    }
)
