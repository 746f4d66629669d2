"""I3D in plain PyTorch, from the tensors of a public checkpoint."""

import pathlib
import re

import numpy as np
import torch
from torch.nn import functional

GOLDEN = pathlib.Path(__file__).resolve().parent / "models" / "golden"
BLOCKS = {
    "stage2": ("3b", "3c"),
    "stage3": ("4b", "4c", "4d", "4e", "4f"),
    "stage4": ("5b", "5c"),
}
POOLS = {
    "stage2": ((1, 3, 3), (1, 2, 2)),
    "stage3": ((3, 3, 3), (2, 2, 2)),
    "stage4": ((2, 2, 2), (2, 2, 2)),
}


def generated_state(path=GOLDEN / "pytorch_i3d_keys.txt", channels=3):
    """Returns a state dict with the published names and random values."""
    state = {}
    for index, line in enumerate(path.read_text().splitlines()):
        name, _, shape = line.partition(" ")
        shape = [int(size) for size in re.findall(r"\d+", shape)]
        if name == "Conv3d_1a_7x7.conv3d.weight":
            shape[1] = channels
        values = np.random.default_rng(index).random(shape)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(1)
            continue
        if name.endswith(("running_mean", "bias")):
            values = 0.5 * (values - 0.5)
        elif len(shape) == 1:  # Scales and variances.
            values = 0.5 + values
        else:
            # Uniform, with a variance of two by the number of inputs.
            values = (values - 0.5) * np.sqrt(24 / np.prod(shape[1:]))
        state[name] = torch.from_numpy(values.astype("float32"))
    return state


def pad(x, size, strides):
    """Pads as TensorFlow, with zeros, which are no more than a ReLU gives."""
    amounts = []
    for length, kernel, stride in zip(x.shape[2:], size, strides, strict=True):
        rest = length % stride
        total = max(kernel - (rest or stride), 0)
        amounts = [total // 2, total - total // 2, *amounts]
    return functional.pad(x, amounts)


def unit(state, name, x, stride=1):
    kernel = state[f"{name}.conv3d.weight"]
    x = pad(x, kernel.shape[2:], (stride,) * 3)
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


def pool(x, size, strides):
    return functional.max_pool3d(pad(x, size, strides), size, strides)


def block(state, name, x):
    branches = [
        unit(state, f"{name}.b0", x),
        unit(state, f"{name}.b1b", unit(state, f"{name}.b1a", x)),
        unit(state, f"{name}.b2b", unit(state, f"{name}.b2a", x)),
        unit(state, f"{name}.b3b", pool(x, (3, 3, 3), (1, 1, 1))),
    ]
    return torch.cat(branches, 1)


@torch.no_grad()
def run(state, videos):
    """Returns a dict of the stages, and the logits of all steps.

    Args:
        state: Dict of name to tensor.
        videos: Array of shape `(batch, frames, height, width, channels)`, in
            `[0, 255]`.

    Returns:
        Dict of arrays of shape `(batch, steps, height, width, channels)`, and
        `"logits"` of shape `(batch, steps, classes)`.
    """
    x = torch.from_numpy(videos).float().movedim(-1, 1) / 255 * 2 - 1
    outputs = {"stem": unit(state, "Conv3d_1a_7x7", x, stride=2)}
    x = pool(outputs["stem"], (1, 3, 3), (1, 2, 2))
    x = unit(state, "Conv3d_2b_1x1", x)
    outputs["stage1"] = x = unit(state, "Conv3d_2c_3x3", x)
    for stage, blocks in BLOCKS.items():
        x = pool(x, *POOLS[stage])
        for name in blocks:
            x = block(state, f"Mixed_{name}", x)
        outputs[stage] = x
    logits = functional.conv3d(
        x.mean((3, 4), keepdim=True),
        state["logits.conv3d.weight"],
        state["logits.conv3d.bias"],
    )[..., 0, 0]
    outputs = {k: v.movedim(1, -1).numpy() for k, v in outputs.items()}
    return {**outputs, "logits": logits.movedim(1, -1).numpy()}
