"""Fewer frames."""

import keras


@keras.saving.register_keras_serializable(package="ssdet_keras")
class TemporalSubsampling(keras.layers.Layer):
    """Keeps one of every `ratio` frames, that in their middle.

    Of T frames, `ceil(T / ratio)` steps remain, at equal distances, so that
    `TemporalUpsampling` to T frames puts them where they came from. With a
    ratio of 4, of 8 frames and of 5:

        frames      0 1 2 3 4 5 6 7         0 1 2 3 4
        outputs         2       6             1   3

    Args:
        ratio: Positive integer.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Tensor of shape `(batch, frames, ...)`, of any dtype.

    Returns:
        Tensor of shape `(batch, ceil(frames / ratio), ...)`.

    Raises:
        ValueError: If `ratio` is not positive.

    Example:

    ```python
    layer = ssdet_keras.layers.TemporalSubsampling(4)
    layer(np.ones((2, 16, 56, 56, 24))).shape  # (2, 4, 56, 56, 24)
    ```
    """

    def __init__(self, ratio, **kwargs):
        super().__init__(**kwargs)
        if not (isinstance(ratio, int) and ratio >= 1):
            raise ValueError(
                f"`ratio` must be a positive integer. Received: ratio={ratio!r}"
            )
        self.ratio = ratio

    def call(self, inputs):
        frames = keras.ops.shape(inputs)[1]
        return keras.ops.take(inputs, middle_frames(frames, self.ratio), axis=1)

    def compute_output_spec(self, inputs):
        batch_size, frames, *sizes = inputs.shape
        steps = None if frames is None else -(-frames // self.ratio)
        return keras.KerasTensor((batch_size, steps, *sizes), inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio}


def middle_frames(num_frames, ratio):
    """Returns the indices of one of every `ratio` frames, in their middle.

    Args:
        num_frames: Integer or integer tensor.
        ratio: Positive integer.

    Returns:
        int32 tensor of shape `(ceil(num_frames / ratio),)`.
    """
    steps = (num_frames + ratio - 1) // ratio
    middle = 2 * keras.ops.arange(steps, dtype="int32") + 1
    return middle * num_frames // (2 * steps)
