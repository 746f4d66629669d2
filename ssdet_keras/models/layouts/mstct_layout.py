"""Names of the tensors in public PyTorch checkpoints of MS-TCT."""

import re

from ssdet_keras.models.layouts.checkpoint_layout import CheckpointLayout

_BLOCK_LAYERS = {
    "norm1": "norm1/",
    "Global_Relational_Block.q": "query/",
    "Global_Relational_Block.kv": "key_value/",
    "Global_Relational_Block.proj": "project/",
    "norm2": "norm2/",
    "Local_Relational_Block.linear1": "expand/",
    "Local_Relational_Block.TC": "depthwise_",
    "Local_Relational_Block.linear2": "reduce/",
}
_STAGE_LAYERS = (
    (r"Temporal_Merging_Block(\d)\.proj", "merging/projection/"),
    (r"Temporal_Merging_Block(\d)\.norm", "merging/norm/"),
    (r"norm(\d)", "norm/"),
)
_LAYERS = {
    "Temporal_Mixer.linear_f1.proj": "mixer/projection1/",
    "Temporal_Mixer.linear_f2.proj": "mixer/projection2/",
    "Temporal_Mixer.linear_f3.proj": "mixer/projection3/",
    "Temporal_Mixer.linear_f4.proj": "mixer/projection4/",
    # Numbered from coarse to fine.
    "Temporal_Mixer.linear1": "mixer/addition3/",
    "Temporal_Mixer.linear2": "mixer/addition2/",
    "Temporal_Mixer.linear3": "mixer/addition1/",
    "Classfication_Module.linear_fuse": "fuse/",
    "Classfication_Module.linear_pred": "output/",
    "Classfication_Module.hm.0": "heat_map_hidden/",
    "Classfication_Module.hm.2": "heat_map_output/",
}
# A layer that the authors' code makes and does not use.
_UNUSED = "Temporal_Mixer.linear4."


class MSTCTLayout(CheckpointLayout):
    """How the authors' code names the tensors of `MSTCTHead`."""

    def matches(self, tensor_names):
        return "Temporal_Mixer.linear_f1.proj.weight" in tensor_names

    def prepare(self, tensors):
        return {
            name: value
            for name, value in tensors.items()
            if not name.startswith(_UNUSED)
        }

    def weight_path(self, tensor_name):
        module, _, parameter = tensor_name.rpartition(".")
        layer = _find_layer(module)
        is_norm = re.search(r"norm\d?$", module)
        names = ("gamma", "beta") if is_norm else ("kernel", "bias")
        weight = dict(zip(("weight", "bias"), names, strict=True)).get(
            parameter
        )
        return layer and weight and f"{layer}{weight}"


def _find_layer(module):
    """Returns the beginning of the weight paths of a module, or `None`."""
    if module in _LAYERS:
        return _LAYERS[module]
    encoder, found, part = module.partition("TemporalEncoder.")
    if encoder or not found:
        return None
    block = re.fullmatch(r"block(\d)\.(\d+)\.(.+)", part)
    if block and block[3] in _BLOCK_LAYERS:
        layer = _BLOCK_LAYERS[block[3]]
        return f"stage{block[1]}_block{int(block[2]) + 1}/{layer}"
    for pattern, layer in _STAGE_LAYERS:
        match = re.fullmatch(pattern, part)
        if match:
            return f"stage{match[1]}_{layer}"
    return None


# https://github.com/dairui01/MS-TCT
MS_TCT = MSTCTLayout(name="MS-TCT", pixel_statistics=None)
