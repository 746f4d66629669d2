"""Convolution over time with few weights."""

import keras
from keras import ops

from ssdet_keras.layers.cauchy_filters import add_filter_weights
from ssdet_keras.layers.cauchy_filters import cauchy_filters


@keras.saving.register_keras_serializable(package="ssdet_keras")
class TemporalGaussianMixture(keras.layers.Layer):
    """Convolves over time with mixtures of a few bumps (a TGM layer).

    A channel holds all features of a step, which are filtered alike. Every
    pair of input and output channel has a kernel of its own, a mixture of
    `num_filters` bumps that all pairs share:

        kernel[i, o, t] = sum_n softmax(attention[o, i])[n] filter[n, t]
        output[o]       = ReLU(sum_i pointwise[i, o] (kernel[i, o] * input[i])
                               + bias[o])

    The kernel and the pointwise weights are multiplied before the convolution.
    With one input channel there are neither pointwise weights nor ReLU.

    Args:
        channels: Positive integer. Output channels. Defaults to `8`.
        num_filters: Positive integer. Defaults to `16`.
        kernel_size: Positive integer. Steps of a kernel. If it is even, the
            larger half is ahead in time. Defaults to `5`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, features, input
            channels)`. Beyond its ends, a video is zero: so must be padding.

    Returns:
        Tensor of shape `(batch, steps, features, channels)`.

    Raises:
        ValueError: If an argument is not positive.

    Example:

    ```python
    layer = ssdet_keras.layers.TemporalGaussianMixture()
    layer(np.ones((2, 40, 1024, 1))).shape  # (2, 40, 1024, 8)
    ```

    Reference:
        [Piergiovanni and Ryoo, 2019](https://arxiv.org/abs/1803.06316), section
        3. The paper has Gaussians, the authors' code has bumps in the shape of
        the Cauchy distribution, as these.
    """

    def __init__(self, channels=8, num_filters=16, kernel_size=5, **kwargs):
        super().__init__(**kwargs)
        if min(channels, num_filters, kernel_size) < 1:
            raise ValueError(
                "`channels`, `num_filters` and `kernel_size` must be positive "
                f"integers. Received: channels={channels}, "
                f"num_filters={num_filters}, kernel_size={kernel_size}"
            )
        self.channels = channels
        self.num_filters = num_filters
        self.kernel_size = kernel_size
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        input_channels = input_shape[-1]
        add_filter_weights(self, self.num_filters)
        self.attention = self.add_weight(
            name="attention",
            shape=(self.channels * input_channels, self.num_filters),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            autocast=False,
        )
        self.pointwise = self.bias = None
        if input_channels > 1:
            self.pointwise = self.add_weight(
                name="pointwise",
                shape=(input_channels, self.channels),
                initializer="glorot_uniform",
                autocast=False,
            )
            self.bias = self.add_weight(
                name="bias", shape=(self.channels,), initializer="zeros"
            )
        self.input_spec = keras.layers.InputSpec(
            ndim=4, axes={-1: input_channels}
        )

    def call(self, inputs):
        filters = cauchy_filters(
            self.center, self.gamma, self.kernel_size, self.kernel_size
        )
        kernel = ops.matmul(ops.softmax(self.attention), filters)
        kernel = ops.reshape(kernel, (self.channels, -1, self.kernel_size))
        kernel = ops.transpose(kernel, (2, 1, 0))
        if self.pointwise is not None:
            kernel = kernel * self.pointwise
        outputs = ops.conv(
            inputs,
            ops.cast(kernel, inputs.dtype)[:, None],
            padding="same",
            data_format="channels_last",
        )
        if self.pointwise is None:
            return outputs
        return ops.relu(outputs + self.bias)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.channels)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "num_filters": self.num_filters,
            "kernel_size": self.kernel_size,
        }
