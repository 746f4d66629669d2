"""Convolution over time and space."""

import keras

from ssdet_keras import ops as ssdet_ops
from ssdet_keras.layers.known_channels import known_channels
from ssdet_keras.layers.three_integers import three_integers
from ssdet_keras.ops.convolution_shapes import new_lengths


@keras.saving.register_keras_serializable(package="ssdet_keras")
class Conv3D(keras.layers.Layer):
    """Convolution of videos, quick on every backend.

    It is what `keras.layers.Conv3D` computes, with the padding of PyTorch or of
    TensorFlow under every backend.

    Args:
        filters: Positive integer. Output channels.
        kernel_size: Integer, or three integers for frames, height and width.
        strides: Integer, or three integers. Defaults to `1`.
        padding: `"same"` (`k // 2` zeros on both sides, for odd kernel sizes
            only), `"valid"`, or `"tensorflow"` (its `SAME`: as few zeros as
            give `ceil(size / stride)`, of which the larger half is at the end).
            Defaults to `"same"`.
        use_bias: Boolean. Whether to add a bias. Defaults to `True`.
        kernel_initializer: Initializer of the kernel, of shape `(k_frames,
            k_height, k_width, channels, filters)`. Defaults to `"he_normal"`.
        bias_initializer: Initializer of the bias. Defaults to `"zeros"`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`. All but the channels may be unknown in a graph.

    Returns:
        Tensor of shape `(batch, new_frames, new_height, new_width, filters)`.

    Raises:
        ValueError: If an argument is out of range, or if the inputs are not of
            rank 5, have unknown channels, or are smaller than the kernel.

    Example:

    ```python
    layer = ssdet_keras.layers.Conv3D(64, 7, strides=2)
    layer(np.ones((2, 16, 56, 56, 3))).shape  # (2, 8, 28, 28, 64)
    ```

    Reference:
        [Tran et al., 2015](https://arxiv.org/abs/1412.0767).
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="same",
        use_bias=True,
        kernel_initializer="he_normal",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(filters, int) or filters < 1:
            raise ValueError(
                "`filters` must be a positive integer. "
                f"Received: filters={filters!r}"
            )
        self.filters = filters
        self.kernel_size = three_integers(kernel_size, "kernel_size")
        self.strides = three_integers(strides, "strides")
        self.padding = padding
        self.use_bias = bool(use_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.input_spec = keras.layers.InputSpec(ndim=5)
        self._new_lengths((None, None, None))  # checks `padding`

    def build(self, input_shape):
        channels = known_channels(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels, self.filters),
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

    def convolve(self, inputs, kernel, bias=None, rectify=False):
        """Convolves with weights other than its own.

        Args:
            inputs: As in a call.
            kernel: Tensor of shape `(k_frames, k_height, k_width, channels,
                filters)`.
            bias: Optional tensor of shape `(filters,)`.
            rectify: Boolean. Whether a ReLU follows.

        Returns:
            As a call.
        """
        self.compute_output_shape(inputs.shape)  # checks it
        return ssdet_ops.conv3d(
            inputs, kernel, bias, self.strides, self.padding, rectify
        )

    def compute_output_shape(self, input_shape):
        lengths = self._new_lengths(input_shape[1:4])
        return (input_shape[0], *lengths, self.filters)

    def _new_lengths(self, lengths):
        return new_lengths(
            lengths, self.kernel_size, self.strides, self.padding
        )

    def get_config(self):
        serialize = keras.initializers.serialize
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "use_bias": self.use_bias,
            "kernel_initializer": serialize(self.kernel_initializer),
            "bias_initializer": serialize(self.bias_initializer),
        }
