"""Tensors of a public checkpoint of I3D, with random values."""

import pathlib
import re

import numpy as np
import torch

GOLDEN = pathlib.Path(__file__).resolve().parent / "models" / "golden"


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
