"""The networks that are compared, by name."""

import keras
import pytorchvideo_x3d
import ssdet_x3d
import torch

CHANNELS_LAST = "PyTorchVideo, channels_last_3d"
INSTALLED = "PyTorchVideo, as installed"
OURS = f"ssdet_keras, {keras.config.backend()}"
NAMES = (CHANNELS_LAST, INSTALLED, OURS)


def make_forward(name, clips, dtype):
    """Returns a new network's inference on clips, as a function."""
    package, network = _build(name, dtype)
    return package.make_forward(network, clips)


def make_training_step(name, clips, labels, dtype):
    """Returns a new network's training step on clips, as a function."""
    package, network = _build(name, dtype)
    return package.make_training_step(network, clips, labels)


def _build(name, dtype):
    if name == OURS:
        return ssdet_x3d, ssdet_x3d.build(dtype)
    memory_format = {
        CHANNELS_LAST: torch.channels_last_3d,
        INSTALLED: torch.contiguous_format,
    }[name]
    return pytorchvideo_x3d, pytorchvideo_x3d.build(memory_format, dtype)
