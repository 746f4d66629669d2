"""Names of the tensors in public PyTorch checkpoints of 3D ResNets."""

import dataclasses
import re

from ssdet_keras.models.layouts.checkpoint_layout import CheckpointLayout
from ssdet_keras.models.layouts.norm_weights import NORM_WEIGHTS

_LAYERS = {
    "blocks.0.conv": "stem/conv",
    "blocks.0.norm": "stem/norm",
    "blocks.5.proj": "head/output",
}
_BLOCK_LAYERS = {
    "branch1_conv": "shortcut/conv",
    "branch1_norm": "shortcut/norm",
    "branch2.conv_a": "reduce/conv",
    "branch2.norm_a": "reduce/norm",
    "branch2.conv_b": "spatial/conv",
    "branch2.norm_b": "spatial/norm",
    "branch2.conv_c": "expand",
    "branch2.norm_c": "expand_norm",
}


@dataclasses.dataclass(frozen=True)
class ResNet3DLayout(CheckpointLayout):
    """How PyTorchVideo names the modules of its 3D ResNets."""

    def matches(self, tensor_names):
        return "blocks.0.conv.weight" in tensor_names

    def weight_path(self, tensor_name):
        module, _, parameter = tensor_name.rpartition(".")
        layer = _LAYERS.get(module)
        match = re.fullmatch(r"blocks\.(\d+)\.res_blocks\.(\d+)\.(.+)", module)
        if match and match[3] in _BLOCK_LAYERS:
            block = f"stage{match[1]}_block{int(match[2]) + 1}"
            layer = f"{block}/{_BLOCK_LAYERS[match[3]]}"
        if layer is None:
            return None
        weights = {"weight": "kernel", "bias": "bias"}
        if layer.endswith("norm"):
            weights = NORM_WEIGHTS
        weight = weights.get(parameter)
        return weight and f"{layer}/{weight}"


# https://github.com/facebookresearch/pytorchvideo, `slow_r50` of
# models/resnet.py.
PYTORCHVIDEO_RESNET = ResNet3DLayout(
    name="PyTorchVideo ResNet", pixel_statistics="pytorchvideo"
)
