"""Names of the tensors in public PyTorch checkpoints of PDAN."""

import re

from ssdet_keras.models.layouts.checkpoint_layout import CheckpointLayout

_STAGE = r"(stage1|stages\.\d+)\.(?:layers\.(\d+)\.)?(.+)"
_WEIGHTS = {
    "conv_1x1.weight": "input/kernel",
    "conv_1x1.bias": "input/bias",
    "conv_out.weight": "output/kernel",
    "conv_out.bias": "output/bias",
}
_BLOCK_WEIGHTS = {
    "conv_attention.rel_t": "attention/relative",
    "conv_attention.query_conv.weight": "attention/query/kernel",
    "conv_attention.key_conv.weight": "attention/key/kernel",
    "conv_attention.value_conv.weight": "attention/value/kernel",
    "conv_1x1.weight": "linear/kernel",
    "conv_1x1.bias": "linear/bias",
}


class PDANLayout(CheckpointLayout):
    """How the authors' code names the tensors of `PDANHead`."""

    def matches(self, tensor_names):
        return "stage1.layers.0.conv_attention.rel_t" in tensor_names

    def weight_path(self, tensor_name):
        match = re.fullmatch(_STAGE, tensor_name)
        if not match:
            return None
        stage, block, parameter = match.groups()
        # The first stage is `stage1`, the second `stages.0`.
        number = 1 if stage == "stage1" else int(stage[len("stages.") :]) + 2
        if block is None:
            weight = _WEIGHTS.get(parameter)
            return weight and f"stage{number}/{weight}"
        weight = _BLOCK_WEIGHTS.get(parameter)
        return weight and f"stage{number}/block{int(block) + 1}_{weight}"


# https://github.com/dairui01/PDAN. Its later versions, which have no layer of
# values, are other models.
PDAN = PDANLayout(name="PDAN", pixel_statistics=None)
