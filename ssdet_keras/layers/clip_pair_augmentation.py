"""Base class of the augmentations that join two clips."""

from ssdet_keras.layers.frame_plan import FramePlan
from ssdet_keras.layers.volume_augmentation import VolumeAugmentation


class ClipPairAugmentation(VolumeAugmentation):
    """Base class for augmentations that join each clip with another one.

    The clip itself, clip 1, has `length_1` frames and starts at 0. Another
    clip of the batch, clip 2, has `length_2` frames and starts at `shift`.
    The weight alpha of clip 1 falls over their overlap (scenario 1), or falls
    and rises again where clip 2 ends before clip 1 (scenario 2):

        length_1=6, shift=2, length_2=6        length_1=8, shift=2, length_2=4

        frame    0 1 2  3  4  5  6 7           frame    0 1 2 3  4 5  6 7
        clip 1   x x x  x  x  x                clip 1   x x x x  x x  x x
        clip 2       x  x  x  x  x x           clip 2       x x  x x
        alpha    1 1 1 3/4 .5 1/4 0 0          alpha    1 1 1 .5 0 .5 1 1

    Lengths are drawn from [min_length * n, n] for n frames, and starts so that
    the clips fit. Then the clip that starts first moves to 0, and the one that
    ends last grows up to n. If a gap is left between them, which takes a
    `min_length` below a half, the first grows up to the second. The clip itself
    is always the one that starts at 0. Padded clips grow up to their padding.

    Args:
        min_length: Float in `(0, 1]`. Shortest clip, as a fraction of its
            frames. Defaults to `0.5`.
        rate: Float in `[0, 1]`. Probability of augmenting a clip.
            Defaults to `1.0`.
        seed: Integer or `None`. Seed of the layer's random state.
        **kwargs: Keyword arguments of `VideoAugmentation`, such as `dtype`.

    Raises:
        ValueError: If `min_length` is outside `(0, 1]`.

    Reference:
        [Kahatapitiya et al., 2023](https://arxiv.org/abs/2111.13675), Figure 5
        and the paragraph "Volume MixUp". The distribution of lengths and
        starts is that of the authors' released code.
    """

    def __init__(self, min_length=0.5, rate=1.0, seed=None, **kwargs):
        super().__init__(rate=rate, seed=seed, **kwargs)
        if not 0.0 < min_length <= 1.0:
            raise ValueError(
                "`min_length` must be in the range (0, 1]. "
                f"Received: min_length={min_length}"
            )
        self.min_length = float(min_length)

    def get_random_transformation(self, batch, seed=None):
        return self._map_draws(self._to_pairs, 6, batch, seed)

    def _to_pairs(self, draws, shape, mask):
        """Maps the first six rows of draws to pairs of clips."""
        ops = self.backend
        batch_size, num_frames = shape[:2]
        clip = ops.numpy.arange(batch_size, dtype="int32")
        num_others = ops.numpy.maximum(batch_size - 1, 1)
        partner = clip + self._integers(draws[0], 1, num_others)
        partner = ops.numpy.mod(partner, batch_size)
        valid_1 = self._num_valid_frames(shape, mask)
        valid_2 = ops.numpy.take(valid_1, partner, axis=0)

        start_1, placed_1 = self._place(draws[1], draws[2], valid_1, num_frames)
        start_2, placed_2 = self._place(draws[3], draws[4], valid_2, num_frames)
        # Whichever starts first gives its length to the clip itself, at 0.
        is_first = start_1 <= start_2
        length_1 = ops.numpy.where(is_first, placed_1, placed_2)
        length_2 = ops.numpy.where(is_first, placed_2, placed_1)
        shift = ops.numpy.maximum(start_1, start_2)
        # Of two equal ends, the one that was placed first grows.
        end_2 = shift + length_2 + ops.cast(~is_first, "int32")
        is_last = length_1 >= end_2
        length_1 = ops.numpy.where(is_last, num_frames, length_1)
        length_2 = ops.numpy.where(is_last, length_2, num_frames - shift)
        # Clip 2 follows at once: clip 1 grows up to it, or else its padding.
        length_1 = ops.numpy.minimum(
            ops.numpy.maximum(length_1, shift), valid_1
        )
        length_2 = length_2 + ops.numpy.maximum(shift - length_1, 0)
        shift = ops.numpy.minimum(shift, length_1)
        length_2 = ops.numpy.minimum(length_2, valid_2)

        is_augmented = draws[5] < self.rate
        pair = {"partner": partner, "length_1": length_1}
        pair |= {"length_2": length_2, "shift": shift}
        alone = {"partner": clip, "length_1": num_frames}
        alone |= {"length_2": num_frames, "shift": num_frames}
        return {
            key: ops.cast(ops.numpy.where(is_augmented, x, alone[key]), "int32")
            for key, x in pair.items()
        }

    def _place(self, length_draw, start_draw, valid, num_frames):
        """Returns start and length of a clip of at least `min_length`."""
        ops = self.backend
        # The slack is for rounding: 0.7 * 10 frames is 7, not 8.
        shortest = ops.cast(valid, "float32") * self.min_length - 1e-3
        shortest = ops.cast(ops.numpy.ceil(shortest), "int32")
        length = self._integers(length_draw, shortest, valid)
        start = self._integers(start_draw, 0, num_frames - length)
        return start, length

    def plan_frames(self, transformation, num_frames, width=None):
        ops = self.backend
        partner = self._column(transformation["partner"])
        shift = self._column(transformation["shift"])
        still = FramePlan.still(ops.shape(partner)[0], num_frames, ops)
        clip, time = still.clip_1, still.frame_1
        frame = ops.numpy.clip(time - shift, 0, num_frames - 1)
        alpha = self._alpha(transformation, num_frames)
        return FramePlan(
            clip_1=ops.numpy.where(alpha > 0, clip, partner),
            frame_1=ops.numpy.where(alpha > 0, time, frame),
            clip_2=ops.numpy.where(alpha < 1, partner, clip),
            frame_2=ops.numpy.where(alpha < 1, frame, time),
            weight=alpha[..., None],
        )

    def _alpha(self, transformation, num_frames):
        """Returns the weight of clip 1 in each frame, `(batch, frames)`."""
        ops = self.backend
        length_1, length_2, shift = (
            ops.cast(self._column(transformation[key]), "float32")
            for key in ("length_1", "length_2", "shift")
        )
        time = ops.numpy.arange(num_frames, dtype="float32")[None]
        # Where there is no overlap, a fall over less than a frame is a switch.
        falling = (length_1 - time) / ops.numpy.maximum(length_1 - shift, 1)
        center = length_2 + 2 * shift - 2 * time
        falling_and_rising = ops.numpy.abs(center) / ops.numpy.maximum(
            length_2, 1
        )
        alpha = ops.numpy.where(
            length_2 + shift >= length_1, falling, falling_and_rising
        )
        return ops.numpy.clip(alpha, 0.0, 1.0)

    def _column(self, x):
        ops = self.backend
        return ops.cast(ops.convert_to_tensor(x), "int32")[:, None]

    def get_config(self):
        return {**super().get_config(), "min_length": self.min_length}
