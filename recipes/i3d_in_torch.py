"""I3D in plain PyTorch, straight from a checkpoint, to compare a model with."""

import torch
from torch.nn import functional

from ssdet_keras.recipes.torch_tensors import read_state
from ssdet_keras.recipes.torch_tensors import to_arrays

_BLOCKS = {
    "stage2": ("3b", "3c"),
    "stage3": ("4b", "4c", "4d", "4e", "4f"),
    "stage4": ("5b", "5c"),
}
_POOLS = {
    "stage2": ((1, 3, 3), (1, 2, 2)),
    "stage3": ((3, 3, 3), (2, 2, 2)),
    "stage4": ((2, 2, 2), (2, 2, 2)),
}


def run_i3d(checkpoint, clip, per_frame):
    """Runs the I3D of a checkpoint on the CPU, as at evaluation.

    Args:
        checkpoint: `ssdet_keras.models.Checkpoint`.
        clip: Float32 array of shape `(batch, frames, height, width, 3)`,
            normalised pixels, of flow with two channels that count.
        per_frame: Boolean. Whether steps are classified on their own.

    Returns:
        Dict of float32 arrays: `"stem"`, `"stage1"`, ..., `"stage4"` of shape
        `(batch, steps, height, width, channels)`, and `"logits"` of shape
        `(batch, frames, classes)` or `(batch, classes)`.
    """
    state = read_state(checkpoint)
    channels = state["Conv3d_1a_7x7.conv3d.weight"].shape[1]
    x = torch.from_numpy(clip[..., :channels]).movedim(-1, 1)
    with torch.inference_mode():
        outputs = run_stages(state, x)
        logits = functional.conv3d(
            outputs["stage4"].mean((3, 4), keepdim=True),
            state["logits.conv3d.weight"],
            state["logits.conv3d.bias"],
        )[..., 0, 0]
        if per_frame:
            logits = functional.interpolate(
                logits, clip.shape[1], mode="linear"
            ).movedim(1, -1)
        else:
            logits = logits.mean(-1)
    return to_arrays(outputs, logits)


def run_stages(state, x):
    """Returns a dict of the stages.

    Args:
        state: Dict of the names in the file to tensors.
        x: Tensor of shape `(batch, channels, frames, height, width)`.
    """
    outputs = {"stem": _unit(state, "Conv3d_1a_7x7", x, stride=2)}
    x = _pool(outputs["stem"], (1, 3, 3), (1, 2, 2))
    x = _unit(state, "Conv3d_2b_1x1", x)
    outputs["stage1"] = x = _unit(state, "Conv3d_2c_3x3", x)
    for stage, blocks in _BLOCKS.items():
        x = _pool(x, *_POOLS[stage])
        for name in blocks:
            x = _block(state, f"Mixed_{name}", x)
        outputs[stage] = x
    return outputs


def _pad(x, size, strides):
    """Pads as TensorFlow, with zeros, which are no more than a ReLU gives."""
    amounts = []
    for length, kernel, stride in zip(x.shape[2:], size, strides, strict=True):
        rest = length % stride
        total = max(kernel - (rest or stride), 0)
        amounts = [total // 2, total - total // 2, *amounts]
    return functional.pad(x, amounts)


def _unit(state, name, x, stride=1):
    kernel = state[f"{name}.conv3d.weight"]
    x = _pad(x, kernel.shape[2:], (stride,) * 3)
    x = functional.conv3d(x, kernel, stride=stride)
    x = functional.batch_norm(
        x,
        state[f"{name}.bn.running_mean"],
        state[f"{name}.bn.running_var"],
        state[f"{name}.bn.weight"],
        state[f"{name}.bn.bias"],
        eps=1e-3,
    )
    return torch.relu(x)


def _pool(x, size, strides):
    return functional.max_pool3d(_pad(x, size, strides), size, strides)


def _block(state, name, x):
    branches = [
        _unit(state, f"{name}.b0", x),
        _unit(state, f"{name}.b1b", _unit(state, f"{name}.b1a", x)),
        _unit(state, f"{name}.b2b", _unit(state, f"{name}.b2a", x)),
        _unit(state, f"{name}.b3b", _pool(x, (3, 3, 3), (1, 1, 1))),
    ]
    return torch.cat(branches, 1)
