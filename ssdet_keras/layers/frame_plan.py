"""What each frame of a batch shows."""

from typing import Any
from typing import NamedTuple

import keras

from ssdet_keras.ops.frames import mix_frames

# Labels of `FramePlan.background`.
ZERO, LAST_CLASS = 1, 2


class FramePlan(NamedTuple):
    """Two frames of the batch for each output frame, and how they mix.

    Output frame `[b, t]` shows at column c

        weight[c] * clip_1[frame_1, :, c + move]
        + (1 - weight[c]) * clip_2[frame_2, :, c - move]

    with the values of the plan at `[b, t]`. Columns beyond an edge repeat it.
    Where one clip alone shows, it stands in both places, so that nothing else
    is read.

    Attributes:
        clip_1: Int32 tensor of shape `(batch, frames)`.
        frame_1: Int32 tensor of shape `(batch, frames)`.
        clip_2: Int32 tensor of shape `(batch, frames)`. It is `None`, together
            with `frame_2` and `weight`, where nothing mixes.
        frame_2: Int32 tensor of shape `(batch, frames)`, or `None`.
        weight: Float32 tensor of shape `(batch, frames, width)`, not rising
            from left to right, or `(batch, frames, 1)`, or `None`.
        move: Int32 tensor of shape `(batch, frames)`, in columns. `None` where
            nothing moves.
        background: Int32 tensor of shape `(batch, frames)`: the label becomes
            zero where it is `ZERO` and the last class where it is `LAST_CLASS`.
            `None` where no label changes.
    """

    clip_1: Any
    frame_1: Any
    clip_2: Any = None
    frame_2: Any = None
    weight: Any = None
    move: Any = None
    background: Any = None

    @classmethod
    def still(cls, num_clips, num_frames, ops):
        """Returns the plan that leaves all clips as they are."""
        zeros = ops.numpy.zeros((num_clips, num_frames), dtype="int32")
        clip = ops.numpy.arange(num_clips, dtype="int32")[:, None] + zeros
        time = ops.numpy.arange(num_frames, dtype="int32")[None] + zeros
        return cls(clip, time)

    def where(self, condition, other, ops):
        """Returns this plan for the clips where `condition`, else `other`."""
        condition = condition[:, None]
        fields = {}
        for name, x, y in zip(self._fields, self, other, strict=True):
            if x is None and y is None:
                continue
            x = self._idle(name) if x is None else x
            y = other._idle(name) if y is None else y
            is_mine = condition[..., None] if name == "weight" else condition
            fields[name] = ops.numpy.where(is_mine, x, y)
        return FramePlan(**fields)

    def _idle(self, name):
        """Returns what a field that is `None` stands for."""
        return {
            "clip_2": self.clip_1,
            "frame_2": self.frame_1,
            "weight": 1.0,
            "move": 0,
            "background": 0,
        }[name]

    def show_videos(self, videos, ops):
        """Returns new videos, `(batch, frames, height, width, channels)`."""
        return mix_frames(videos, [self], ops.name)

    def show_labels(self, labels, ops):
        """Returns new labels, `(batch, frames, classes)`.

        The weight must be a mean over the columns, `(batch, frames, 1)`.
        Integers become float32.
        """
        if not keras.backend.is_float_dtype(labels.dtype):
            labels = ops.cast(labels, "float32")
        output = _take(labels, self.clip_1, self.frame_1, ops)
        if self.weight is not None:
            second = _take(labels, self.clip_2, self.frame_2, ops)
            weight = ops.cast(self.weight, output.dtype)
            output = weight * output + (1 - weight) * second
        if self.background is None:
            return output
        background = ops.convert_to_tensor(self.background)[..., None]
        num_classes = ops.shape(labels)[-1]
        is_last = ops.numpy.arange(num_classes) == num_classes - 1
        label = ops.cast(is_last & (background == LAST_CLASS), output.dtype)
        return ops.numpy.where(background > 0, label, output)

    def show_mask(self, mask, ops):
        """Returns the new mask, `(batch, frames)`.

        A frame is valid where all that it shows is.
        """
        output = _take(mask, self.clip_1, self.frame_1, ops)
        if self.weight is None:
            return output
        second = _take(mask, self.clip_2, self.frame_2, ops)
        return ops.numpy.minimum(output, second)


def _take(x, clip, frame, ops):
    shape = ops.shape(x)
    frames = ops.numpy.reshape(x, (-1, *shape[2:]))
    index = ops.numpy.reshape(clip * shape[1] + frame, (-1,))
    return ops.numpy.reshape(ops.numpy.take(frames, index, axis=0), shape)
