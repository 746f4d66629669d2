"""Bottleneck of a 3D ResNet."""

import keras

from ssdet_keras.layers.conv_norm3d import ConvNorm3D
from ssdet_keras.layers.convolve_normalized import convolve_normalized
from ssdet_keras.layers.fused_batch_normalization import FusedBatchNormalization
from ssdet_keras.layers.known_channels import known_channels
from ssdet_keras.layers.pointwise_conv3d import PointwiseConv3D


@keras.saving.register_keras_serializable(package="ssdet_keras")
class BottleneckBlock3D(keras.layers.Layer):
    """Residual bottleneck of a ResNet whose convolutions alternate axes.

        inputs -- kx1x1 -- BN -- ReLU       reduce
             |    1x3x3 -- BN -- ReLU       spatial, with the stride
             |    1x1x1 -- BN               expand
             |      |
             +----- + -- ReLU -- outputs

    The shortcut is a strided 1x1x1 convolution with a BN where the stride or
    the channels change.

    Args:
        inner_filters: Positive integer. Channels of the first convolutions.
        filters: Positive integer. Output channels.
        temporal_kernel_size: Positive odd integer, of `reduce`. Defaults to
            `1`.
        stride: Positive integer. Stride of height and width. Defaults to `1`.
        zero_init_residual: Boolean. Whether the BN of `expand` starts at zero,
            so that a new block is its shortcut. Defaults to `True`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.
        training: Boolean. Whether batch statistics normalise.

    Returns:
        Tensor of shape `(batch, frames, ceil(height / stride), ceil(width /
        stride), filters)`.

    Raises:
        ValueError: If an argument is out of range, or if the inputs are not of
            rank 5 or have unknown channels.

    Example:

    ```python
    layer = ssdet_keras.layers.BottleneckBlock3D(64, 256, stride=2)
    layer(np.ones((2, 8, 56, 56, 64))).shape  # (2, 8, 28, 28, 256)
    ```

    Reference:
        [Feichtenhofer et al., 2019](https://arxiv.org/abs/1812.03982), the Slow
        pathway of Table 1.
    """

    def __init__(
        self,
        inner_filters,
        filters,
        temporal_kernel_size=1,
        stride=1,
        zero_init_residual=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.inner_filters = inner_filters
        self.filters = filters
        self.temporal_kernel_size = temporal_kernel_size
        self.stride = stride
        self.zero_init_residual = zero_init_residual
        policy = self.dtype_policy
        self.reduce = ConvNorm3D(
            inner_filters,
            (temporal_kernel_size, 1, 1),
            dtype=policy,
            name="reduce",
        )
        self.spatial = ConvNorm3D(
            inner_filters,
            (1, 3, 3),
            (1, stride, stride),
            dtype=policy,
            name="spatial",
        )
        self.expand = PointwiseConv3D(
            filters, use_bias=False, dtype=policy, name="expand"
        )
        self.expand_norm = FusedBatchNormalization(
            gamma_initializer="zeros" if zero_init_residual else "ones",
            dtype=policy,
            name="expand_norm",
        )
        self.shortcut = None
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def build(self, input_shape):
        channels = known_channels(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=5, axes={-1: channels})
        inner_shape = (*input_shape[:-1], self.inner_filters)
        output_shape = self.compute_output_shape(input_shape)
        self.reduce.build(input_shape)
        self.spatial.build(inner_shape)
        self.expand.build((*output_shape[:-1], self.inner_filters))
        self.expand_norm.build(output_shape)
        if channels != self.filters or self.stride > 1:
            self.shortcut = ConvNorm3D(
                self.filters,
                1,
                (1, self.stride, self.stride),
                activation=None,
                dtype=self.dtype_policy,
                name="shortcut",
            )
            self.shortcut.build(input_shape)

    def call(self, inputs, training=None):
        x = self.reduce(inputs, training=training)
        x = self.spatial(x, training=training)
        shortcut = inputs
        if self.shortcut is not None:
            shortcut = self.shortcut(inputs, training=training)
        return convolve_normalized(
            self.expand, self.expand_norm, x, training, shortcut
        )

    def compute_output_shape(self, input_shape):
        strided_shape = self.spatial.compute_output_shape(input_shape)
        return (*strided_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "inner_filters": self.inner_filters,
            "filters": self.filters,
            "temporal_kernel_size": self.temporal_kernel_size,
            "stride": self.stride,
            "zero_init_residual": self.zero_init_residual,
        }
