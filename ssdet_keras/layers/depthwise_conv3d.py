"""Depthwise convolution over time and space."""

import keras

from ssdet_keras import ops as ssdet_ops
from ssdet_keras.layers.known_channels import known_channels
from ssdet_keras.layers.three_integers import three_integers
from ssdet_keras.ops.convolution_shapes import output_length
from ssdet_keras.ops.convolution_shapes import padding_amounts


@keras.saving.register_keras_serializable(package="ssdet_keras")
class DepthwiseConv3D(keras.layers.Layer):
    """Depthwise convolution of videos: one 3D kernel per channel.

    It is what `keras.layers.Conv3D(groups=channels)` computes, in a formulation
    that is quick on every backend.

    `padding="same"` adds `k // 2` zeros to both sides, as PyTorch's X3D does.
    With stride 1 this is what Keras calls `"same"`. With stride 2 on an even
    size TensorFlow's `SAME` pads the end alone, and samples other positions:

        kernel 3, stride 2, size 4       0 a b c d 0
        symmetric (this layer)          [0 a b]
                                             [b c d]
        TensorFlow's SAME                 [a b c]
                                               [c d 0]

    Args:
        kernel_size: Integer, or three integers for frames, height and width.
        strides: Integer, or three integers. Those of height and width must be
            equal. Defaults to `1`.
        padding: `"same"` (odd kernel sizes only) or `"valid"`.
            Defaults to `"same"`.
        use_bias: Boolean. Whether to add a bias. Defaults to `True`.
        kernel_initializer: Initializer of the kernel, of shape
            `(k_frames, k_height, k_width, channels)`. Defaults to
            `"he_normal"`, whose fan in is the number of taps.
        bias_initializer: Initializer of the bias. Defaults to `"zeros"`.
        kernel_regularizer: Optional regularizer of the kernel.
        bias_regularizer: Optional regularizer of the bias.
        kernel_constraint: Optional constraint of the kernel.
        bias_constraint: Optional constraint of the bias.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`. All but the channels may be unknown in a graph.

    Returns:
        Tensor of shape `(batch, new_frames, new_height, new_width, channels)`.

    Raises:
        ValueError: If an argument is out of range, or if the inputs are not of
            rank 5 or have unknown channels.

    Example:

    ```python
    layer = ssdet_keras.layers.DepthwiseConv3D(3, strides=(1, 2, 2))
    layer(np.ones((2, 16, 56, 56, 54))).shape  # (2, 16, 28, 28, 54)
    ```

    Reference:
        [Feichtenhofer, 2020](https://arxiv.org/abs/2004.04730), the
        channel-wise convolution of the X3D bottleneck.
    """

    def __init__(
        self,
        kernel_size,
        strides=1,
        padding="same",
        use_bias=True,
        kernel_initializer="he_normal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.kernel_size = three_integers(kernel_size, "kernel_size")
        self.strides = three_integers(strides, "strides")
        if self.strides[1] != self.strides[2]:
            raise ValueError(
                "`strides` of height and width must be equal. "
                f"Received: strides={strides}"
            )
        self.padding = padding
        self._padding_amounts = padding_amounts(self.kernel_size, padding)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def build(self, input_shape):
        channels = known_channels(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(channels,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = keras.layers.InputSpec(ndim=5, axes={-1: channels})

    def call(self, inputs):
        bias = None if self.bias is None else self.bias.value
        return self.convolve(inputs, self.kernel.value, bias)

    def convolve(self, inputs, kernel, bias=None, rectify=False):
        """Convolves with weights other than its own.

        Args:
            inputs: As in a call.
            kernel: Tensor of shape `(k_frames, k_height, k_width, channels)`.
            bias: Optional tensor of shape `(channels,)`.
            rectify: Boolean. Whether a ReLU follows.

        Returns:
            As a call.
        """
        self.compute_output_shape(inputs.shape)  # checks it
        return ssdet_ops.depthwise_conv3d(
            inputs,
            kernel,
            bias,
            self.strides,
            self.padding,
            rectify,
        )

    def compute_output_shape(self, input_shape):
        lengths = zip(
            input_shape[1:4],
            self.kernel_size,
            self.strides,
            self._padding_amounts,
            strict=True,
        )
        new_lengths = tuple(output_length(*axis) for axis in lengths)
        if any(n is not None and n < 1 for n in new_lengths):
            raise ValueError(
                "The inputs are smaller than the kernel. Received: "
                f"input_shape={tuple(input_shape)}, "
                f"kernel_size={self.kernel_size}"
            )
        return (input_shape[0], *new_lengths, input_shape[-1])

    def get_config(self):
        serialize_initializer = keras.initializers.serialize
        serialize_regularizer = keras.regularizers.serialize
        serialize_constraint = keras.constraints.serialize
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "use_bias": self.use_bias,
            "kernel_initializer": serialize_initializer(
                self.kernel_initializer
            ),
            "bias_initializer": serialize_initializer(self.bias_initializer),
            "kernel_regularizer": serialize_regularizer(
                self.kernel_regularizer
            ),
            "bias_regularizer": serialize_regularizer(self.bias_regularizer),
            "kernel_constraint": serialize_constraint(self.kernel_constraint),
            "bias_constraint": serialize_constraint(self.bias_constraint),
        }
