"""Pooling of time at equal distances."""

import keras

from ssdet_keras.layers.temporal_subsampling import middle_frames

_MODES = ("stride", "max", "average")


@keras.saving.register_keras_serializable(package="ssdet_keras")
class UniformPool(keras.layers.Layer):
    """Pools time evenly: what `GridPool` is compared with.

    Of 16 frames at ratio 4:

        frames     0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
        max        '----+---'  '----+---'  '----+----'  '----+---'
        outputs         0           1           2            3
        stride           0           1            2           3

    `"stride"` takes the frame in the middle. Where the number of frames is not
    a multiple of the ratio, windows overlap, and the last one can show the last
    frame more than once.

    Args:
        mode: `"stride"`, `"max"` or `"average"`. Defaults to `"stride"`.
        ratio: Positive integer. Frames per step. Defaults to `4`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, ...)`.

    Returns:
        Tuple of the pooled features, shape `(batch, ceil(frames / ratio),
        ...)`, and the float32 positions of these steps, shape `(batch,
        ceil(frames / ratio))`: indices of frames, divided by their number.

    Raises:
        ValueError: If an argument is unknown or out of range.

    Example:

    ```python
    layer = ssdet_keras.layers.UniformPool("max")
    pooled, positions = layer(np.ones((2, 16, 56, 56, 24)))
    pooled.shape, positions.shape  # (2, 4, 56, 56, 24), (2, 4)
    ```
    """

    def __init__(self, mode="stride", ratio=4, **kwargs):
        super().__init__(**kwargs)
        if mode not in _MODES:
            raise ValueError(
                f"`mode` must be one of {_MODES}. Received: mode={mode!r}"
            )
        if not isinstance(ratio, int) or ratio < 1:
            raise ValueError(
                f"`ratio` must be a positive integer. Received: ratio={ratio!r}"
            )
        self.mode = mode
        self.ratio = ratio

    def call(self, inputs):
        frames = keras.ops.shape(inputs)[1]
        steps = (frames + self.ratio - 1) // self.ratio
        if self.mode == "stride":
            indices = [middle_frames(frames, self.ratio)]
        else:
            step = keras.ops.arange(steps, dtype="int32")
            first = step * frames // steps
            indices = [
                keras.ops.minimum(first + i, frames - 1)
                for i in range(self.ratio)
            ]
        pooled = [keras.ops.take(inputs, i, axis=1) for i in indices]
        reduce = keras.ops.max if self.mode == "max" else keras.ops.mean
        indices = keras.ops.cast(keras.ops.stack(indices), "float32")
        positions = keras.ops.mean(indices, axis=0) / keras.ops.cast(
            frames, "float32"
        )
        batch_size = keras.ops.shape(inputs)[0]
        return (
            reduce(keras.ops.stack(pooled), axis=0),
            keras.ops.broadcast_to(positions, (batch_size, steps)),
        )

    def compute_output_spec(self, inputs):
        batch_size, frames, *sizes = inputs.shape
        steps = None if frames is None else -(-frames // self.ratio)
        return (
            keras.KerasTensor((batch_size, steps, *sizes), self.compute_dtype),
            keras.KerasTensor((batch_size, steps), "float32"),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "mode": self.mode,
            "ratio": self.ratio,
        }
