"""Bottleneck of X3D."""

import keras

from ssdet_keras import ops as ssdet_ops
from ssdet_keras.layers.convolve_normalized import convolve_normalized
from ssdet_keras.layers.depthwise_conv3d import DepthwiseConv3D
from ssdet_keras.layers.fused_batch_normalization import FusedBatchNormalization
from ssdet_keras.layers.known_channels import known_channels
from ssdet_keras.layers.pointwise_conv3d import PointwiseConv3D
from ssdet_keras.layers.squeeze_excite import SqueezeExcite


@keras.saving.register_keras_serializable(package="ssdet_keras")
class X3DBlock(keras.layers.Layer):
    """Residual inverted bottleneck of X3D.

        inputs -- 1x1x1 -- BN -- ReLU           expand
             |    depthwise 3x3x3 -- BN         stride in space
             |    (squeeze-excite) -- swish
             |    1x1x1 -- BN                   project
             |      |
             +----- + -- ReLU -- outputs

    The shortcut is a strided 1x1x1 convolution where the stride or the channels
    change, with a BN where the channels change.

    Args:
        inner_filters: Positive integer. Channels of the depthwise convolution.
        filters: Positive integer. Output channels.
        stride: Positive integer. Stride of height and width. Defaults to `1`.
        squeeze_units: Integer. Channels of the reduced squeeze-excite layer, or
            `0` for none. Defaults to `0`.
        zero_init_residual: Boolean. Whether the BN of `project` starts at zero,
            so that a new block is its shortcut. Defaults to `True`.
        sub_batch_size: Integer or `None`. Clips that the BN of training
            normalises together, see `FusedBatchNormalization`. Defaults to
            `None`, the whole batch.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.
        training: Boolean. Whether batch statistics normalise.

    Returns:
        Tensor of shape `(batch, frames, ceil(height / stride), ceil(width /
        stride), filters)`.

    Raises:
        ValueError: If the inputs are not of rank 5 or have unknown channels.

    Example:

    ```python
    layer = ssdet_keras.layers.X3DBlock(54, 24, stride=2, squeeze_units=8)
    layer(np.ones((2, 16, 56, 56, 24))).shape  # (2, 16, 28, 28, 24)
    ```

    Reference:
        [Feichtenhofer, 2020](https://arxiv.org/abs/2004.04730), Table 1.
    """

    def __init__(
        self,
        inner_filters,
        filters,
        stride=1,
        squeeze_units=0,
        zero_init_residual=True,
        sub_batch_size=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.inner_filters = inner_filters
        self.filters = filters
        self.stride = stride
        self.squeeze_units = squeeze_units
        self.zero_init_residual = zero_init_residual
        self.sub_batch_size = sub_batch_size
        self.expand = self._pointwise(inner_filters, "expand")
        self.expand_norm = self._batch_norm("expand_norm", activation="relu")
        self.depthwise = DepthwiseConv3D(
            3,
            strides=(1, stride, stride),
            use_bias=False,
            dtype=self.dtype_policy,
            name="depthwise",
        )
        self.depthwise_norm = self._batch_norm("depthwise_norm")
        self.squeeze_excite = None
        if squeeze_units:
            self.squeeze_excite = SqueezeExcite(
                squeeze_units, dtype=self.dtype_policy, name="squeeze_excite"
            )
        self.project = self._pointwise(filters, "project")
        self.project_norm = self._batch_norm(
            "project_norm",
            gamma_initializer="zeros" if zero_init_residual else "ones",
        )
        self.shortcut = None
        self.shortcut_norm = None
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def build(self, input_shape):
        channels = known_channels(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=5, axes={-1: channels})
        inner_shape = (*input_shape[:-1], self.inner_filters)
        output_shape = self.compute_output_shape(input_shape)
        strided_shape = (*output_shape[:-1], self.inner_filters)
        self.expand.build(input_shape)
        self.expand_norm.build(inner_shape)
        self.depthwise.build(inner_shape)
        self.depthwise_norm.build(strided_shape)
        if self.squeeze_excite is not None:
            self.squeeze_excite.build(strided_shape)
        self.project.build(strided_shape)
        self.project_norm.build(output_shape)
        changes_channels = channels != self.filters
        if changes_channels or self.stride > 1:
            self.shortcut = self._pointwise(
                self.filters, "shortcut", stride=self.stride
            )
            self.shortcut.build(input_shape)
        if changes_channels:
            self.shortcut_norm = self._batch_norm("shortcut_norm")
            self.shortcut_norm.build(output_shape)

    def call(self, inputs, training=None):
        x = convolve_normalized(
            self.expand, self.expand_norm, inputs, training
        )
        x = convolve_normalized(
            self.depthwise, self.depthwise_norm, x, training
        )
        if self.squeeze_excite is not None:
            x = self.squeeze_excite.call(x)
        x = ssdet_ops.silu(x)
        shortcut = self._shortcut(inputs, training)
        return convolve_normalized(
            self.project, self.project_norm, x, training, shortcut
        )

    def _shortcut(self, inputs, training):
        if self.shortcut is None:
            return inputs
        if self.shortcut_norm is None:
            return self.shortcut(inputs)
        return convolve_normalized(
            self.shortcut, self.shortcut_norm, inputs, training
        )

    def compute_output_shape(self, input_shape):
        strided_shape = self.depthwise.compute_output_shape(input_shape)
        return (*strided_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "inner_filters": self.inner_filters,
            "filters": self.filters,
            "stride": self.stride,
            "squeeze_units": self.squeeze_units,
            "zero_init_residual": self.zero_init_residual,
            "sub_batch_size": self.sub_batch_size,
        }

    def _pointwise(self, filters, name, stride=1):
        return PointwiseConv3D(
            filters,
            stride=stride,
            use_bias=False,
            dtype=self.dtype_policy,
            name=name,
        )

    def _batch_norm(self, name, **kwargs):
        return FusedBatchNormalization(
            sub_batch_size=self.sub_batch_size,
            dtype=self.dtype_policy,
            name=name,
            **kwargs,
        )
