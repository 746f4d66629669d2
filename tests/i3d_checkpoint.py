"""Tensors of a public checkpoint of I3D, with random values."""

import pathlib
import re

from checkpoint_files import generated_tensor

GOLDEN = pathlib.Path(__file__).resolve().parent / "models" / "golden"


def generated_state(path=GOLDEN / "pytorch_i3d_keys.txt", channels=3):
    """Returns a state dict with the published names and random values."""
    state = {}
    for index, line in enumerate(path.read_text().splitlines()):
        name, _, shape = line.partition(" ")
        shape = [int(size) for size in re.findall(r"\d+", shape)]
        if name == "Conv3d_1a_7x7.conv3d.weight":
            shape[1] = channels
        state[name] = generated_tensor(name, shape, index, gain=2)
    return state
