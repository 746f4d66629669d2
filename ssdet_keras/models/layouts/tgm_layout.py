"""Names of the tensors in public PyTorch checkpoints of TGM."""

import re

import numpy as np

from ssdet_keras.models.layouts.checkpoint_layout import CheckpointLayout
from ssdet_keras.models.layouts.super_event_layout import SUPER_EVENT_PATHS
from ssdet_keras.models.layouts.super_event_layout import leave_copies_out

_PATHS = {
    **SUPER_EVENT_PATHS,
    "h.weight": "hidden/kernel",
    "h.bias": "hidden/bias",
    "classify.weight": "output/kernel",
    "classify.bias": "output/bias",
}
_MIXTURE_WEIGHTS = {
    "center": "center",
    "gamma": "gamma",
    "soft_attn": "attention",
    "convs.weight": "pointwise",
    "convs.bias": "bias",
}


class TGMLayout(CheckpointLayout):
    """How the authors' code names the tensors of `TGMHead`."""

    def matches(self, tensor_names):
        return "sub_event1.soft_attn" in tensor_names

    def prepare(self, tensors):
        """Stacks the convolutions of all output channels of a layer.

        The tensors `sub_event2.convs.0.weight` to `sub_event2.convs.7.weight`
        become one, `sub_event2.convs.weight`.
        """
        prepared, parts = {}, {}
        for name, value in leave_copies_out(tensors).items():
            match = re.fullmatch(r"(.+\.convs)\.(\d+)\.(weight|bias)", name)
            if match:
                merged = f"{match[1]}.{match[3]}"
                parts.setdefault(merged, {})[int(match[2])] = value
            else:
                prepared[name] = value
        for name, channels in parts.items():
            prepared[name] = np.concatenate(
                [channels[i] for i in sorted(channels)]
            )
        return prepared

    def weight_path(self, tensor_name):
        match = re.fullmatch(r"sub_event(\d+)\.(.+)", tensor_name)
        if match and match[2] in _MIXTURE_WEIGHTS:
            return f"mixture{match[1]}/{_MIXTURE_WEIGHTS[match[2]]}"
        return _PATHS.get(tensor_name)

    def axes(self, path, rank):
        if path.endswith("/attention"):
            return (0, 1)
        return super().axes(path, rank)


# https://github.com/piergiaj/tgm-icml19, its stack of mixtures, with
# super-events or without.
TGM = TGMLayout(name="TGM", pixel_statistics=None)
