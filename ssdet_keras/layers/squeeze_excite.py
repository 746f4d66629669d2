"""Squeeze-and-excitation of videos."""

import keras

from ssdet_keras import ops as ssdet_ops
from ssdet_keras.layers.known_channels import known_channels


@keras.saving.register_keras_serializable(package="ssdet_keras")
class SqueezeExcite(keras.layers.Layer):
    """Scales the channels of a video by gates computed from their means.

        inputs --+--------------------------------------------- x --> outputs
                 |                                              |
                 +-- mean -- reduce -- ReLU -- expand -- sigmoid

    Args:
        units: Positive integer. Channels of the reduced layer.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: If `units` is not positive.

    Example:

    ```python
    layer = ssdet_keras.layers.SqueezeExcite(8)
    layer(np.ones((2, 16, 56, 56, 54))).shape  # (2, 16, 56, 56, 54)
    ```

    Reference:
        [Hu et al., 2018](https://arxiv.org/abs/1709.01507).
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(
                f"`units` must be a positive integer. Received: units={units}"
            )
        self.units = units
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def build(self, input_shape):
        channels = known_channels(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=5, axes={-1: channels})
        self.reduce = keras.layers.Dense(
            self.units,
            name="reduce",
            dtype=self.dtype_policy,
        )
        self.expand = keras.layers.Dense(
            channels,
            name="expand",
            dtype=self.dtype_policy,
        )
        self.reduce.build((input_shape[0], channels))
        self.expand.build((input_shape[0], self.units))

    def call(self, inputs):
        return ssdet_ops.squeeze_excite(
            inputs,
            self.reduce.kernel.value,
            self.reduce.bias.value,
            self.expand.kernel.value,
            self.expand.bias.value,
        )

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "units": self.units}
