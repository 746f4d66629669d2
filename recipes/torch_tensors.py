"""Tensors of networks in plain PyTorch, to compare a model with."""

import torch


def read_state(checkpoint):
    """Returns a dict of the names in the file to tensors."""
    return {
        name: torch.from_numpy(checkpoint.tensors[path])
        for path, name in checkpoint.names.items()
    }


def to_arrays(outputs, logits):
    """Returns a dict of arrays, `"logits"` as the last.

    Args:
        outputs: Dict of tensors of shape `(batch, channels, frames, height,
            width)`, whose channels become the last axis.
        logits: Tensor, which stays as it is.
    """
    outputs = {name: x.movedim(1, -1) for name, x in outputs.items()}
    return {
        name: x.numpy() for name, x in {**outputs, "logits": logits}.items()
    }
