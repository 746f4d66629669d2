"""Volume Freeze augmentation."""

import keras

from ssdet_keras.layers.frame_plan import LAST_CLASS
from ssdet_keras.layers.frame_plan import ZERO
from ssdet_keras.layers.frame_plan import FramePlan
from ssdet_keras.layers.volume_augmentation import VolumeAugmentation


@keras.saving.register_keras_serializable(package="ssdet_keras")
class VolumeFreeze(VolumeAugmentation):
    """Freezes a random frame of each clip for a random time.

    The frozen segment has no motion, so its labels are set to zero, the
    background. The frames after it are delayed, and those pushed past the end
    of the clip are dropped:

        frames before   0 1 2 3 4 5 6 7
        frames after    0 1 2 2 2 3 4 5      start=2, length=3
        background      . . x x x . . .

    Output frame `t` shows input frame `t - clip(t - start, 0, length - 1)`.
    In a clip of n frames, `start` is uniform in [0, n - 2], and then `length`
    is uniform in [2, n - start]. A `length` of zero leaves the clip as it is.

    This layer is safe to use in a `tf.data` pipeline with any Keras backend.

    Args:
        max_length: Longest frozen segment, as a fraction of the clip (float in
            `(0, 1]`) or as a number of frames (integer of at least 2). A
            fraction of less than 2 frames stands for 2 frames.
            Defaults to `None`, up to the end of the clip, as in the paper.
        num_segments: Integer. Number of frozen segments. More than one divide
            the clip into equal parts, and each freezes a segment of its part.
            Defaults to `1`.
        background: `"zero"` sets the labels of the frozen frames to zero;
            `"class"` sets them to the last class, which the labels must
            provide, as softmax losses need. Defaults to `"zero"`.
        rate: Float in `[0, 1]`. Probability of freezing a clip.
            Defaults to `1.0`.
        seed: Integer or `None`. Seed of the layer's random state.
        **kwargs: Keyword arguments of `VideoAugmentation`, such as `dtype`.

    Call arguments:
        inputs: Dict with keys `"videos"`, shape `(batch, frames, height, width,
            channels)`, `"labels"`, shape `(batch, frames, classes)`, and
            optionally `"mask"`, shape `(batch, frames)`; or a tuple `(videos,
            labels)`. The batch axis may be missing from all.
        training: Boolean. Defaults to `True`.
        seed: Integer or `None`. Seed of this call alone.

    Returns:
        A new dict or tuple of the same structure and shapes.

    Raises:
        ValueError: If an argument is outside the range above.

    Example:

    ```python
    freeze = ssdet_keras.layers.VolumeFreeze(seed=0)
    batch = freeze(
        {"videos": np.ones((2, 16, 8, 8, 3)), "labels": np.ones((2, 16, 5))}
    )
    ```

    Reference:
        [Kahatapitiya et al., 2023](https://arxiv.org/abs/2111.13675), the
        paragraph "Volume Freeze". The authors' released code keeps `length`
        below n / 2, which is `max_length=0.5`, and labels frozen frames with
        class 0, which is an action; the labels here are those of the paper.
    """

    def __init__(
        self,
        max_length=None,
        num_segments=1,
        background="zero",
        rate=1.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(rate=rate, seed=seed, **kwargs)
        is_fraction = isinstance(max_length, float) and 0.0 < max_length <= 1.0
        is_count = (
            isinstance(max_length, int)
            and not isinstance(max_length, bool)
            and max_length >= 2
        )
        if not (max_length is None or is_fraction or is_count):
            raise ValueError(
                "`max_length` must be a float in the range (0, 1], an integer "
                f"of at least 2, or None. Received: max_length={max_length}"
            )
        if not isinstance(num_segments, int) or num_segments < 1:
            raise ValueError(
                "`num_segments` must be an integer of at least 1. "
                f"Received: num_segments={num_segments}"
            )
        if background not in ("zero", "class"):
            raise ValueError(
                "`background` must be 'zero' or 'class'. "
                f"Received: background={background!r}"
            )
        self.max_length = max_length
        self.num_segments = num_segments
        self.background = background

    def get_random_transformation(self, batch, seed=None):
        num_draws = 2 * self.num_segments + 1
        return self._map_draws(self._to_segments, num_draws, batch, seed)

    def _to_segments(self, draws, shape, mask):
        ops = self.backend
        valid = self._num_valid_frames(shape, mask)
        is_augmented = draws[-1] < self.rate

        starts, lengths = [], []
        for k in range(self.num_segments):
            first = k * valid // self.num_segments
            end = (k + 1) * valid // self.num_segments
            start = self._integers(
                draws[2 * k], first, ops.numpy.maximum(end - 2, first)
            )
            longest = ops.numpy.minimum(end - start, self._longest(valid))
            length = self._integers(
                draws[2 * k + 1], 2, ops.numpy.maximum(longest, 2)
            )
            # A part of one frame has no two frames to freeze.
            can_freeze = (end - first >= 2) & is_augmented
            starts.append(start)
            lengths.append(ops.numpy.where(can_freeze, length, 0))
        if self.num_segments == 1:
            return {"start": starts[0], "length": lengths[0]}
        return {
            "start": ops.numpy.stack(starts, axis=1),
            "length": ops.numpy.stack(lengths, axis=1),
        }

    def _longest(self, num_frames):
        ops = self.backend
        if self.max_length is None:
            return num_frames
        if isinstance(self.max_length, int):
            return ops.numpy.minimum(num_frames, self.max_length)
        longest = ops.cast(num_frames, "float32") * self.max_length
        # The slack is for rounding: 0.29 * 100 frames is 29, not 28.
        longest = ops.cast(ops.numpy.floor(longest + 1e-3), "int32")
        return ops.numpy.maximum(longest, 2)

    def plan_frames(self, transformation, num_frames, width=None):
        ops = self.backend
        start, length = (
            ops.cast(ops.convert_to_tensor(transformation[key]), "int32")
            for key in ("start", "length")
        )
        if len(start.shape) == 1:
            start, length = start[:, None], length[:, None]
        still = FramePlan.still(ops.shape(start)[0], num_frames, ops)
        # Of each segment, `(batch, frames, segments)`.
        time = still.frame_1[..., None] - start[:, None]
        length = length[:, None]
        longest_delay = ops.numpy.maximum(length - 1, 0)
        delay = ops.numpy.minimum(ops.numpy.maximum(time, 0), longest_delay)
        delay = ops.cast(ops.numpy.sum(delay, axis=-1), "int32")
        is_frozen = ops.numpy.any((time >= 0) & (time < length), axis=-1)
        label = LAST_CLASS if self.background == "class" else ZERO
        return still._replace(
            frame_1=ops.numpy.maximum(still.frame_1 - delay, 0),
            background=label * ops.cast(is_frozen, "int32"),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "num_segments": self.num_segments,
            "background": self.background,
        }
