"""Names of the tensors in public PyTorch checkpoints of 3D ResNets."""

from ssdet_keras.models.layouts.block_layout import BlockLayout


class ResNet3DLayout(BlockLayout):
    """How PyTorchVideo names the modules of its 3D ResNets."""

    def matches(self, tensor_names):
        return "blocks.0.conv.weight" in tensor_names


# https://github.com/facebookresearch/pytorchvideo, `slow_r50` of
# models/resnet.py.
PYTORCHVIDEO_RESNET = ResNet3DLayout(
    name="PyTorchVideo ResNet",
    pixel_statistics="pytorchvideo",
    block=r"blocks\.(\d+)\.res_blocks\.(\d+)\.(.+)",
    first_stage=1,
    block_layers={
        "branch1_conv": "shortcut/conv",
        "branch1_norm": "shortcut/norm",
        "branch2.conv_a": "reduce/conv",
        "branch2.norm_a": "reduce/norm",
        "branch2.conv_b": "spatial/conv",
        "branch2.norm_b": "spatial/norm",
        "branch2.conv_c": "expand",
        "branch2.norm_c": "expand_norm",
    },
    layers={
        "blocks.0.conv": "stem/conv",
        "blocks.0.norm": "stem/norm",
        "blocks.5.proj": "head/output",
    },
)
