"""Names of the tensors in public PyTorch checkpoints of X3D."""

from ssdet_keras.models.layouts.block_layout import BlockLayout


class X3DLayout(BlockLayout):
    """How a code base names the modules of X3D."""

    def matches(self, tensor_names):
        return "stem/spatial/kernel" in map(self.weight_path, tensor_names)

    def axes(self, path, rank):
        if path == "stem/spatial/kernel":
            return (2, 3, 1, 0)  # Of outputs, inputs, 1, height, width.
        if rank == 4:
            return (1, 2, 3, 0)  # Of channels, 1, frames, height, width.
        return super().axes(path, rank)


# https://github.com/facebookresearch/pytorchvideo, models/x3d.py. The names of
# the two convolutions of its stem are swapped.
PYTORCHVIDEO = X3DLayout(
    name="PyTorchVideo",
    pixel_statistics="pytorchvideo",
    block=r"blocks\.(\d+)\.res_blocks\.(\d+)\.(.+)",
    first_stage=1,
    block_layers={
        "branch1_conv": "shortcut",
        "branch1_norm": "shortcut_norm",
        "branch2.conv_a": "expand",
        "branch2.norm_a": "expand_norm",
        "branch2.conv_b": "depthwise",
        "branch2.norm_b.0": "depthwise_norm",
        "branch2.norm_b.1.block.0": "squeeze_excite/reduce",
        "branch2.norm_b.1.block.2": "squeeze_excite/expand",
        "branch2.conv_c": "project",
        "branch2.norm_c": "project_norm",
    },
    layers={
        "blocks.0.conv.conv_t": "stem/spatial",
        "blocks.0.conv.conv_xy": "stem/temporal",
        "blocks.0.norm": "stem/norm",
        "blocks.5.pool.pre_conv": "conv5",
        "blocks.5.pool.pre_norm": "conv5_norm",
        "blocks.5.pool.post_conv": "head/hidden",
        "blocks.5.proj": "head/output",
    },
)

# https://github.com/facebookresearch/SlowFast, `X3D` of slowfast/models.
PYSLOWFAST = X3DLayout(
    name="PySlowFast",
    pixel_statistics="pytorchvideo",
    block=r"s(\d+)\.pathway0_res(\d+)\.(.+)",
    first_stage=2,
    block_layers={
        "branch1": "shortcut",
        "branch1_bn": "shortcut_norm",
        "branch2.a": "expand",
        "branch2.a_bn": "expand_norm",
        "branch2.b": "depthwise",
        "branch2.b_bn": "depthwise_norm",
        "branch2.se.fc1": "squeeze_excite/reduce",
        "branch2.se.fc2": "squeeze_excite/expand",
        "branch2.c": "project",
        "branch2.c_bn": "project_norm",
    },
    layers={
        "s1.pathway0_stem.conv_xy": "stem/spatial",
        "s1.pathway0_stem.conv": "stem/temporal",
        "s1.pathway0_stem.bn": "stem/norm",
        "head.conv_5": "conv5",
        "head.conv_5_bn": "conv5_norm",
        "head.lin_5": "head/hidden",
        "head.projection": "head/output",
    },
)

# https://github.com/kkahatapitiya/X3D-Multigrid, whose x3d.py
# Coarse-Fine-Networks and SSDet share.
X3D_MULTIGRID = X3DLayout(
    name="X3D-Multigrid",
    pixel_statistics=None,
    block=r"layer(\d+)\.(\d+)\.(.+)",
    first_stage=1,
    block_layers={
        "downsample.0": "shortcut",
        "downsample.1": "shortcut_norm",
        "conv1": "expand",
        "bn1": "expand_norm",
        "conv2": "depthwise",
        "bn2": "depthwise_norm",
        "fc1": "squeeze_excite/reduce",
        "fc2": "squeeze_excite/expand",
        "conv3": "project",
        "bn3": "project_norm",
    },
    layers={
        "conv1_s": "stem/spatial",
        "conv1_t": "stem/temporal",
        "bn1": "stem/norm",
        "conv5": "conv5",
        "bn5": "conv5_norm",
        "fc1": "head/hidden",
        "fc2": "head/output",
    },
)
