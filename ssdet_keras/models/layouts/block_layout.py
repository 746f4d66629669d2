"""Names of the tensors of networks of stages of blocks."""

import dataclasses
import re

from ssdet_keras.models.layouts.checkpoint_layout import CheckpointLayout
from ssdet_keras.models.layouts.norm_weights import NORM_WEIGHTS

_OTHER_WEIGHTS = {"weight": "kernel", "bias": "bias"}


@dataclasses.dataclass(frozen=True)
class BlockLayout(CheckpointLayout):
    """How a code base names the modules of a network of stages of blocks.

    Attributes:
        name: See `CheckpointLayout`.
        pixel_statistics: See `CheckpointLayout`.
        block: Regular expression of a module of a block, with three groups:
            the number of the stage, the number of the block, the module.
        first_stage: Integer. Number of the first stage of blocks.
        block_layers: Dict of module of a block to layer of our block.
        layers: Dict of any other module to layer of our models. Names of batch
            norms end in `norm`.
    """

    block: str
    first_stage: int
    block_layers: dict[str, str]
    layers: dict[str, str]

    def weight_path(self, tensor_name):
        module, _, parameter = tensor_name.rpartition(".")
        layer = self.layers.get(module)
        match = re.fullmatch(self.block, module)
        if match and match[3] in self.block_layers:
            stage = int(match[1]) - self.first_stage + 1
            block = int(match[2]) + 1
            layer = f"stage{stage}_block{block}/{self.block_layers[match[3]]}"
        if layer is None:
            return None
        is_norm = layer.endswith("norm")
        weight = (NORM_WEIGHTS if is_norm else _OTHER_WEIGHTS).get(parameter)
        return weight and f"{layer}/{weight}"
