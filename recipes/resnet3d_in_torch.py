"""3D ResNet in plain PyTorch, straight from a checkpoint, to compare with."""

import itertools

import torch
from torch.nn import functional

from ssdet_keras.recipes.torch_tensors import read_state
from ssdet_keras.recipes.torch_tensors import to_arrays


def run_resnet3d(checkpoint, clip, per_frame):
    """Runs the 3D ResNet of a checkpoint on the CPU, as at evaluation.

    Args:
        checkpoint: `ssdet_keras.models.Checkpoint`.
        clip: Float32 array of shape `(batch, frames, height, width, 3)`,
            normalised pixels.
        per_frame: Boolean. Whether frames are classified on their own.

    Returns:
        Dict of float32 arrays: `"stem"`, `"stage1"`, ..., `"stage4"` of shape
        `(batch, frames, height, width, channels)`, and `"logits"` of shape
        `(batch, frames, classes)` or `(batch, classes)`.
    """
    state = read_state(checkpoint)
    with torch.inference_mode():
        outputs = run_stages(state, torch.from_numpy(clip).movedim(-1, 1))
        axes = (3, 4) if per_frame else (2, 3, 4)
        logits = functional.linear(
            outputs["stage4"].mean(axes).movedim(1, -1),
            state["blocks.5.proj.weight"],
            state["blocks.5.proj.bias"],
        )
    return to_arrays(outputs, logits)


def run_stages(state, x):
    """Returns a dict of the stages.

    Args:
        state: Dict of the names in the file to tensors.
        x: Tensor of shape `(batch, 3, frames, height, width)`.
    """
    x = torch.relu(_conv(state, "blocks.0.conv", "blocks.0.norm", x, 2))
    x = functional.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
    outputs = {"stem": x}
    for stage in (1, 2, 3, 4):
        for number in itertools.count():
            name = f"blocks.{stage}.res_blocks.{number}"
            if f"{name}.branch2.conv_a.weight" not in state:
                break
            x = _block(state, name, x, 2 if stage > 1 and number == 0 else 1)
        outputs[f"stage{stage}"] = x
    return outputs


def _block(state, name, x, stride):
    shortcut = x
    if f"{name}.branch1_conv.weight" in state:
        shortcut = _conv(
            state, f"{name}.branch1_conv", f"{name}.branch1_norm", x, stride
        )
    for part, stride_of_part in (("a", 1), ("b", stride), ("c", 1)):
        names = (f"{name}.branch2.{kind}_{part}" for kind in ("conv", "norm"))
        x = _conv(state, *names, x, stride_of_part)
        x = torch.relu(x + shortcut if part == "c" else x)
    return x


def _conv(state, conv, norm, x, stride=1):
    kernel = state[f"{conv}.weight"]
    x = functional.conv3d(
        x,
        kernel,
        stride=(1, stride, stride),
        padding=[size // 2 for size in kernel.shape[2:]],
    )
    names = ("running_mean", "running_var", "weight", "bias")
    return functional.batch_norm(x, *(state[f"{norm}.{x}"] for x in names))
