"""Convolution of the channels of videos."""

import keras

from ssdet_keras import ops as ssdet_ops
from ssdet_keras.layers.known_channels import known_channels
from ssdet_keras.ops.convolution_shapes import output_length


@keras.saving.register_keras_serializable(package="ssdet_keras")
class PointwiseConv3D(keras.layers.Layer):
    """Mixes the channels of every pixel: a convolution with kernel 1x1x1.

    It is what `keras.layers.Conv3D(filters, 1)` computes, in a formulation that
    is quick on every backend.

    Args:
        filters: Positive integer. Output channels.
        stride: Positive integer. Stride of height and width. Defaults to `1`.
        use_bias: Boolean. Whether to add a bias. Defaults to `True`.
        kernel_initializer: Initializer of the kernel, of shape `(channels,
            filters)`. Defaults to `"he_normal"`.
        bias_initializer: Initializer of the bias. Defaults to `"zeros"`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`. All but the channels may be unknown in a graph.

    Returns:
        Tensor of shape `(batch, frames, ceil(height / stride), ceil(width /
        stride), filters)`.

    Raises:
        ValueError: If an argument is out of range, or if the inputs are not of
            rank 5 or have unknown channels.

    Example:

    ```python
    layer = ssdet_keras.layers.PointwiseConv3D(54)
    layer(np.ones((2, 16, 56, 56, 24))).shape  # (2, 16, 56, 56, 54)
    ```

    Reference:
        [Feichtenhofer, 2020](https://arxiv.org/abs/2004.04730), the 1x1x1
        convolutions of Table 1.
    """

    def __init__(
        self,
        filters,
        stride=1,
        use_bias=True,
        kernel_initializer="he_normal",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not all(isinstance(n, int) and n >= 1 for n in (filters, stride)):
            raise ValueError(
                "`filters` and `stride` must be positive integers. "
                f"Received: filters={filters!r}, stride={stride!r}"
            )
        self.filters = filters
        self.stride = stride
        self.use_bias = bool(use_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def build(self, input_shape):
        channels = known_channels(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(channels, self.filters),
            initializer=self.kernel_initializer,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
            )
        self.input_spec = keras.layers.InputSpec(ndim=5, axes={-1: channels})

    def call(self, inputs):
        bias = None if self.bias is None else self.bias.value
        return self.convolve(inputs, self.kernel.value, bias)

    def convolve(
        self, inputs, kernel, bias=None, shortcut=None, rectify=False
    ):
        """Convolves with weights other than its own.

        Args:
            inputs: As in a call.
            kernel: Tensor of shape `(channels, filters)`.
            bias: Optional tensor of shape `(filters,)`.
            shortcut: Optional tensor of the shape of the outputs, which is
                added.
            rectify: Boolean. Whether a ReLU follows.

        Returns:
            As a call.
        """
        return ssdet_ops.pointwise_conv3d(
            inputs,
            kernel,
            bias,
            self.stride,
            shortcut,
            rectify,
        )

    def compute_output_shape(self, input_shape):
        batch, frames, height, width = input_shape[:4]
        return (
            batch,
            frames,
            output_length(height, 1, self.stride, 0),
            output_length(width, 1, self.stride, 0),
            self.filters,
        )

    def get_config(self):
        serialize = keras.initializers.serialize
        return {
            **super().get_config(),
            "filters": self.filters,
            "stride": self.stride,
            "use_bias": self.use_bias,
            "kernel_initializer": serialize(self.kernel_initializer),
            "bias_initializer": serialize(self.bias_initializer),
        }
