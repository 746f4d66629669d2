"""Convolution, batch normalisation and ReLU."""

import keras

from ssdet_keras.layers.conv3d import Conv3D
from ssdet_keras.layers.convolve_normalized import convolve_normalized
from ssdet_keras.layers.fused_batch_normalization import FusedBatchNormalization
from ssdet_keras.layers.known_channels import known_channels
from ssdet_keras.layers.pointwise_conv3d import PointwiseConv3D
from ssdet_keras.layers.three_integers import three_integers


@keras.saving.register_keras_serializable(package="ssdet_keras")
class ConvNorm3D(keras.layers.Layer):
    """A convolution without bias, batch normalisation, and a ReLU.

        inputs -- conv -- BN -- ReLU

    Where moving averages normalise, they are folded into the convolution.

    Args:
        filters: Positive integer. Output channels.
        kernel_size: Integer, or three integers for frames, height and width.
            With `1` the convolution is a `PointwiseConv3D`.
        strides: Integer, or three integers. Defaults to `1`.
        padding: As of `ssdet_keras.layers.Conv3D`. Defaults to `"same"`.
        momentum: Float. Momentum of the moving averages. Defaults to `0.9`.
        epsilon: Float. Added to the variance. Defaults to `1e-5`.
        activation: `"relu"` or `None`. Defaults to `"relu"`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.
        training: Boolean. Whether batch statistics normalise.

    Returns:
        Tensor of shape `(batch, new_frames, new_height, new_width, filters)`.

    Raises:
        ValueError: As `ssdet_keras.layers.Conv3D`, or if `activation` is
            unknown.

    Example:

    ```python
    layer = ssdet_keras.layers.ConvNorm3D(64, (1, 7, 7), strides=(1, 2, 2))
    layer(np.ones((2, 8, 56, 56, 3))).shape  # (2, 8, 28, 28, 64)
    ```
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="same",
        momentum=0.9,
        epsilon=1e-5,
        activation="relu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = three_integers(kernel_size, "kernel_size")
        self.strides = three_integers(strides, "strides")
        self.padding = padding
        self.momentum = momentum
        self.epsilon = epsilon
        self.activation = activation
        shared = {"use_bias": False, "dtype": self.dtype_policy, "name": "conv"}
        frames, height, width = self.strides
        if self.kernel_size == (1, 1, 1) and frames == 1 and height == width:
            self.conv = PointwiseConv3D(filters, height, **shared)
        else:
            self.conv = Conv3D(
                filters, self.kernel_size, self.strides, padding, **shared
            )
        self.norm = FusedBatchNormalization(
            momentum,
            epsilon,
            activation,
            dtype=self.dtype_policy,
            name="norm",
        )
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def build(self, input_shape):
        channels = known_channels(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=5, axes={-1: channels})
        self.conv.build(input_shape)
        self.norm.build(self.compute_output_shape(input_shape))

    def call(self, inputs, training=None):
        return convolve_normalized(self.conv, self.norm, inputs, training)

    def compute_output_shape(self, input_shape):
        return self.conv.compute_output_shape(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "activation": self.activation,
        }
