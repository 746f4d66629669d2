"""A 3D ResNet in the layout of PyTorchVideo, with random weights."""

import numpy as np
import torch

# Blocks, and the size of their temporal kernels.
_STAGES = ((3, 1), (4, 1), (6, 3), (3, 3))


def generated_state(num_classes=5):
    """Returns a state dict with the names of PyTorchVideo's `slow_r50`."""
    state, rng = {}, np.random.default_rng(0)

    def add(conv, norm, filters, channels, size):
        shape = (filters, channels, *size)
        scale = np.sqrt(2 / np.prod(shape[1:]))
        tensors = {
            f"{conv}.weight": rng.normal(0, scale, shape),
            f"{norm}.weight": rng.uniform(0.5, 1, filters),
            f"{norm}.bias": rng.uniform(-0.2, 0.2, filters),
            f"{norm}.running_mean": rng.uniform(-0.2, 0.2, filters),
            f"{norm}.running_var": rng.uniform(0.5, 1.5, filters),
        }
        for name, value in tensors.items():
            state[name] = torch.from_numpy(value.astype("float32"))
        state[f"{norm}.num_batches_tracked"] = torch.tensor(1)

    add("blocks.0.conv", "blocks.0.norm", 64, 3, (1, 7, 7))
    channels = 64
    for stage, (num_blocks, frames) in enumerate(_STAGES, start=1):
        inner = 32 * 2**stage
        for i in range(num_blocks):
            block = f"blocks.{stage}.res_blocks.{i}"
            branch = f"{block}.branch2"
            if i == 0:
                shortcut = f"{block}.branch1_conv", f"{block}.branch1_norm"
                add(*shortcut, 4 * inner, channels, (1, 1, 1))
            for part, filters, inputs, size in (
                ("a", inner, channels, (frames, 1, 1)),
                ("b", inner, inner, (1, 3, 3)),
                ("c", 4 * inner, inner, (1, 1, 1)),
            ):
                names = f"{branch}.conv_{part}", f"{branch}.norm_{part}"
                add(*names, filters, inputs, size)
            channels = 4 * inner
    values = rng.normal(0, 0.05, (num_classes, channels)).astype("float32")
    state["blocks.5.proj.weight"] = torch.from_numpy(values)
    state["blocks.5.proj.bias"] = torch.arange(num_classes).float()
    return state
