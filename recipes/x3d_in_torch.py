"""X3D in plain PyTorch, straight from a checkpoint, to compare a model with."""

import torch
from torch.nn import functional

from ssdet_keras.recipes.torch_tensors import to_arrays

_EPSILON = 1e-5


def run_x3d(checkpoint, clip, per_frame):
    """Runs the X3D of a checkpoint on the CPU, as at evaluation.

    Args:
        checkpoint: `ssdet_keras.models.Checkpoint`.
        clip: Float32 array of shape `(batch, frames, height, width, 3)`,
            normalised pixels.
        per_frame: Boolean. Whether frames are classified on their own.

    Returns:
        Dict of float32 arrays: `"stem"`, `"stage1"`, ..., `"stage4"` and
        `"conv5"` of shape `(batch, frames, height, width, channels)`, and
        `"logits"` of shape `(batch, frames, classes)` or `(batch, classes)`.
    """
    network = _Network(checkpoint.tensors)
    with torch.inference_mode():
        x = torch.from_numpy(clip).permute(0, 4, 1, 2, 3)
        outputs = network.features(x)
        logits = network.head(outputs["conv5"], per_frame)
    return to_arrays(outputs, logits)


class _Network:
    def __init__(self, tensors):
        self.tensors = {
            name: torch.from_numpy(value) for name, value in tensors.items()
        }

    def features(self, x):
        x = self.conv(x, "stem/spatial", stride=2)
        x = self.conv(x, "stem/temporal", groups=x.shape[1])
        x = functional.relu(self.norm(x, "stem/norm"))
        outputs = {"stem": x}
        for stage in (1, 2, 3, 4):
            block = 1
            while f"stage{stage}_block{block}/expand/kernel" in self.tensors:
                x = self.block(x, f"stage{stage}_block{block}", block == 1)
                block += 1
            outputs[f"stage{stage}"] = x
        x = self.norm(self.conv(x, "conv5"), "conv5_norm")
        outputs["conv5"] = functional.relu(x)
        return outputs

    def head(self, x, per_frame):
        axes = (3, 4) if per_frame else (2, 3, 4)
        x = x.mean(axes, keepdim=True)
        x = functional.relu(self.conv(x, "head/hidden"))
        x = self.conv(x, "head/output")[..., 0, 0]
        return x.transpose(1, 2) if per_frame else x[..., 0]

    def block(self, inputs, name, is_first):
        stride = 2 if is_first else 1
        x = self.norm(
            self.conv(inputs, f"{name}/expand"), f"{name}/expand_norm"
        )
        x = functional.relu(x)
        x = self.conv(x, f"{name}/depthwise", stride, groups=x.shape[1])
        x = self.norm(x, f"{name}/depthwise_norm")
        if f"{name}/squeeze_excite/reduce/kernel" in self.tensors:
            gates = x.mean((2, 3, 4), keepdim=True)
            gates = self.conv(gates, f"{name}/squeeze_excite/reduce")
            gates = functional.relu(gates)
            gates = self.conv(gates, f"{name}/squeeze_excite/expand")
            x = x * torch.sigmoid(gates)
        x = self.conv(functional.silu(x), f"{name}/project")
        x = self.norm(x, f"{name}/project_norm")
        if is_first:
            inputs = self.conv(inputs, f"{name}/shortcut", stride)
        if f"{name}/shortcut_norm/gamma" in self.tensors:
            inputs = self.norm(inputs, f"{name}/shortcut_norm")
        return functional.relu(inputs + x)

    def conv(self, x, name, stride=1, groups=1):
        kernel = self.tensors[f"{name}/kernel"]
        # Linear layers are convolutions of size 1.
        kernel = kernel.reshape(*kernel.shape, *[1] * (5 - kernel.ndim))
        return functional.conv3d(
            x,
            kernel,
            self.tensors.get(f"{name}/bias"),
            stride=(1, stride, stride),
            padding=[size // 2 for size in kernel.shape[2:]],
            groups=groups,
        )

    def norm(self, x, name):
        names = ("moving_mean", "moving_variance", "gamma", "beta")
        weights = [self.tensors[f"{name}/{weight}"].ravel() for weight in names]
        return functional.batch_norm(x, *weights, eps=_EPSILON)
