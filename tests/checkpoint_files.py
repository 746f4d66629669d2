"""Checkpoints of a small X3D, in every public layout."""

import pathlib
import re

import numpy as np
import torch

GOLDEN = pathlib.Path(__file__).resolve().parent / "models" / "golden"

# In this order, from the names of PyTorchVideo.
PYSLOWFAST = (
    (r"^blocks\.0\.conv\.conv_t", "s1.pathway0_stem.conv_xy"),
    (r"^blocks\.0\.conv\.conv_xy", "s1.pathway0_stem.conv"),
    (r"^blocks\.0\.norm", "s1.pathway0_stem.bn"),
    (r"^blocks\.1\.res_blocks\.", "s2.pathway0_res"),
    (r"^blocks\.2\.res_blocks\.", "s3.pathway0_res"),
    (r"^blocks\.3\.res_blocks\.", "s4.pathway0_res"),
    (r"^blocks\.4\.res_blocks\.", "s5.pathway0_res"),
    (r"branch1_conv", "branch1"),
    (r"branch1_norm", "branch1_bn"),
    (r"norm_b\.1\.block\.0", "se.fc1"),
    (r"norm_b\.1\.block\.2", "se.fc2"),
    (r"norm_b\.0", "b_bn"),
    (r"norm_(a|c)", r"\1_bn"),
    (r"branch2\.conv_", "branch2."),
    (r"^blocks\.5\.pool\.pre_conv", "head.conv_5"),
    (r"^blocks\.5\.pool\.pre_norm", "head.conv_5_bn"),
    (r"^blocks\.5\.pool\.post_conv", "head.lin_5"),
    (r"^blocks\.5\.proj", "head.projection"),
)
X3D_MULTIGRID = (
    (r"^blocks\.0\.conv\.conv_t", "conv1_s"),
    (r"^blocks\.0\.conv\.conv_xy", "conv1_t"),
    (r"^blocks\.0\.norm", "bn1"),
    (r"^blocks\.(\d)\.res_blocks", r"layer\1"),
    (r"branch1_conv", "downsample.0"),
    (r"branch1_norm", "downsample.1"),
    (r"branch2\.norm_b\.1\.block\.0", "fc1"),
    (r"branch2\.norm_b\.1\.block\.2", "fc2"),
    (r"branch2\.norm_b\.0", "bn2"),
    (r"branch2\.norm_a", "bn1"),
    (r"branch2\.norm_c", "bn3"),
    (r"branch2\.conv_a", "conv1"),
    (r"branch2\.conv_b", "conv2"),
    (r"branch2\.conv_c", "conv3"),
    (r"^blocks\.5\.pool\.pre_conv", "conv5"),
    (r"^blocks\.5\.pool\.pre_norm", "bn5"),
    (r"^blocks\.5\.pool\.post_conv", "fc1"),
    (r"^blocks\.5\.proj", "fc2"),
)


def read_golden():
    """Returns what PyTorchVideo computes, and its state dict of tensors."""
    with np.load(GOLDEN / "x3d_pytorchvideo.npz") as file:
        golden = {name: file[name] for name in file}
    state = {}
    for name in list(golden):
        if name.startswith("state/"):
            value = torch.from_numpy(golden.pop(name).astype("float32"))
            state[name.removeprefix("state/")] = value
            if name.endswith("running_var"):
                counter = name.replace("running_var", "num_batches_tracked")
                state[counter.removeprefix("state/")] = torch.tensor(8)
    return golden, state


def rename(state, patterns):
    """Returns a state dict with names of another layout."""
    renamed = {}
    for name, value in state.items():
        for pattern, replacement in patterns:
            name = re.sub(pattern, replacement, name)
        renamed[name] = value
    return renamed


def add_shortcut_norm(state):
    """Gives the first shortcut the norm that PyTorchVideo's lacks.

    Its scale and shift are taken back from the neighbouring weights, so that
    the network computes the same.
    """
    state, rng = dict(state), np.random.default_rng(0)
    block = "blocks.1.res_blocks.0"
    size = len(state[f"{block}.branch1_conv.weight"])
    gamma, beta, mean, variance = (
        torch.from_numpy(rng.uniform(0.5, 2, size).astype("float32"))
        for _ in range(4)
    )
    norm = f"{block}.branch1_norm"
    state[f"{norm}.weight"], state[f"{norm}.bias"] = gamma, beta
    state[f"{norm}.running_mean"] = mean
    state[f"{norm}.running_var"] = variance
    state[f"{norm}.num_batches_tracked"] = torch.tensor(8)
    scale = gamma / torch.sqrt(variance + 1e-5)
    kernel, shift = f"{block}.branch1_conv.weight", f"{block}.branch2.norm_c"
    state[kernel] = state[kernel] / scale[:, None, None, None, None]
    state[f"{shift}.bias"] = state[f"{shift}.bias"] - (beta - mean * scale)
    return state


def split_norms(state, num_splits):
    """Splits the statistics of norms, as sub-batch-normalisation does.

    Those of the whole are outdated, as in files that were saved in training.
    """
    split, rng = {}, np.random.default_rng(0)
    for name, value in state.items():
        norm, _, statistic = name.rpartition(".")
        if statistic == "num_batches_tracked":
            split[f"{norm}.bn.{statistic}"] = value
            split[f"{norm}.split_bn.{statistic}"] = value
        elif statistic == "running_mean":
            variance = state[f"{norm}.running_var"]
            offsets = rng.normal(size=(num_splits, len(value)))
            offsets = torch.from_numpy(offsets - offsets.mean(axis=0)).float()
            offsets = 0.3 * offsets * torch.sqrt(variance)
            within = variance - (offsets**2).mean(dim=0)
            shares = rng.uniform(0.5, 1.5, size=(num_splits, 1))
            shares = torch.from_numpy(shares / shares.mean()).float()
            split[f"{norm}.bn.running_mean"] = torch.zeros_like(value)
            split[f"{norm}.bn.running_var"] = torch.ones_like(value)
            means, variances = value + offsets, within * shares
            split[f"{norm}.split_bn.running_mean"] = means.flatten()
            split[f"{norm}.split_bn.running_var"] = variances.flatten()
        elif statistic != "running_var":
            split[name] = value
    return split


def pyslowfast_state(state):
    """Returns a state dict with the names of PySlowFast."""
    return rename(add_shortcut_norm(state), PYSLOWFAST)


def multigrid_state(state, num_splits=2):
    """Returns a state dict with names and norms of X3D-Multigrid."""
    renamed = rename(add_shortcut_norm(state), X3D_MULTIGRID)
    return split_norms(renamed, num_splits)


def generated_state():
    """Returns a state dict of X3D-M of PyTorchVideo with generated weights."""
    path = GOLDEN / "x3d_pytorchvideo_keys.txt"
    state = {}
    for index, line in enumerate(path.read_text().splitlines()):
        name, shape, _ = line.split("\t")
        shape = [int(size) for size in re.findall(r"\d+", shape)]
        state[name] = generated_tensor(name, shape, index)
    return state


def generated_tensor(name, shape, seed, gain=1):
    """Returns random values that suit a tensor of this name.

    Kernels are uniform, with a variance of `gain` by the number of inputs.
    """
    if name.endswith("num_batches_tracked"):
        return torch.tensor(1)
    values = np.random.default_rng(seed).random(shape)
    if name.endswith(("running_mean", "bias")):
        values = 0.5 * (values - 0.5)
    elif len(shape) == 1:  # Scales and variances.
        values = 0.5 + values
    else:
        values = (values - 0.5) * np.sqrt(12 * gain / np.prod(shape[1:]))
    return torch.from_numpy(values.astype("float32"))


def generated_clip(num_frames, size):
    """Returns uint8 pixels of moving waves, (1, frames, height, width, 3)."""
    frames, rows, columns = np.indices((num_frames, size, size))
    waves = [frames + 0.05 * rows + k * columns for k in (0.02, 0.1, 0.3)]
    clip = np.round(127.5 + 100 * np.sin(np.stack(waves, axis=-1)))
    return clip.astype("uint8")[None]
