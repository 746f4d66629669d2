"""Normalisation of raw pixels."""

import keras

# Means and standard deviations of R, G and B, or of all channels, of 255.
_STATISTICS = {
    "kinetics": ((110.64, 103.16, 96.29), (38.76, 37.88, 40.03)),
    "charades": (
        (0.413 * 255, 0.368 * 255, 0.338 * 255),
        (0.131 * 255, 0.125 * 255, 0.132 * 255),
    ),
    "i3d": ((127.5,), (127.5,)),
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "pytorchvideo": ((0.45 * 255,) * 3, (0.225 * 255,) * 3),
}


@keras.saving.register_keras_serializable(package="ssdet_keras")
class PixelNormalization(keras.layers.Layer):
    """Subtracts a mean from pixels and divides by a standard deviation.

    It computes in float32 whatever the dtype policy, and casts its outputs to
    the compute dtype.

    Args:
        statistics: `"kinetics"`, `"charades"`, `"pytorchvideo"` (the
            statistics of public PyTorchVideo checkpoints), `"imagenet"`, all
            of RGB; or `"i3d"`, which maps any channels to `[-1, 1]`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Integer or float tensor of shape `(..., 3)`, or of any channels
            with `"i3d"`, pixels in `[0, 255]`.

    Returns:
        Float tensor of the same shape, in the compute dtype.

    Raises:
        ValueError: If `statistics` is unknown.

    Example:

    ```python
    layer = ssdet_keras.layers.PixelNormalization("pytorchvideo")
    layer(np.full((1, 1, 3), 255, "uint8"))  # 2.44 = (1 - 0.45) / 0.225
    ```
    """

    def __init__(self, statistics="kinetics", **kwargs):
        super().__init__(autocast=False, **kwargs)
        if statistics not in _STATISTICS:
            raise ValueError(
                f"`statistics` must be one of {list(_STATISTICS)}. "
                f"Received: statistics={statistics!r}"
            )
        self.statistics = statistics

    def call(self, inputs):
        mean, standard_deviation = _STATISTICS[self.statistics]
        x = keras.ops.cast(inputs, "float32")
        x = (x - keras.ops.array(mean, "float32")) * keras.ops.array(
            [1 / s for s in standard_deviation], "float32"
        )
        return keras.ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "statistics": self.statistics}
