"""Stem of X3D."""

import keras

from ssdet_keras import ops as ssdet_ops
from ssdet_keras.layers.convolve_normalized import convolve_normalized
from ssdet_keras.layers.depthwise_conv3d import DepthwiseConv3D
from ssdet_keras.layers.fused_batch_normalization import FusedBatchNormalization
from ssdet_keras.layers.known_channels import known_channels
from ssdet_keras.ops.convolution_shapes import output_length


@keras.saving.register_keras_serializable(package="ssdet_keras")
class X3DStem(keras.layers.Layer):
    """First layer of X3D: a spatial, then a depthwise temporal convolution.

        inputs -- conv 1x3x3, stride 2 -- depthwise 5x1x1 -- BN -- ReLU

    Args:
        filters: Positive integer. Output channels.
        temporal_initializer: Initializer of the temporal kernel, of shape
            `(5, 1, 1, filters)`. Defaults to `"he_normal"`.
        sub_batch_size: Integer or `None`. Clips that the BN of training
            normalises together, see `FusedBatchNormalization`. Defaults to
            `None`, the whole batch.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.
        training: Boolean. Whether batch statistics normalise.

    Returns:
        Tensor of shape `(batch, frames, ceil(height / 2), ceil(width / 2),
        filters)`.

    Raises:
        ValueError: If the inputs are not of rank 5 or have unknown channels.

    Example:

    ```python
    layer = ssdet_keras.layers.X3DStem(24)
    layer(np.ones((2, 16, 112, 112, 3))).shape  # (2, 16, 56, 56, 24)
    ```

    Reference:
        [Feichtenhofer, 2020](https://arxiv.org/abs/2004.04730), `conv1` of
        Table 1.
    """

    def __init__(
        self,
        filters,
        temporal_initializer="he_normal",
        sub_batch_size=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.sub_batch_size = sub_batch_size
        self.temporal_initializer = keras.initializers.get(temporal_initializer)
        policy = self.dtype_policy
        self.spatial = keras.layers.Conv2D(
            filters,
            3,
            strides=2,
            use_bias=False,
            kernel_initializer="he_normal",
            data_format="channels_last",
            dtype=policy,
            name="spatial",
        )
        self.temporal = DepthwiseConv3D(
            (5, 1, 1),
            use_bias=False,
            kernel_initializer=self.temporal_initializer,
            dtype=policy,
            name="temporal",
        )
        self.norm = FusedBatchNormalization(
            activation="relu",
            sub_batch_size=sub_batch_size,
            dtype=policy,
            name="norm",
        )
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def build(self, input_shape):
        channels = known_channels(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=5, axes={-1: channels})
        output_shape = self.compute_output_shape(input_shape)
        frames, height, width = input_shape[1:4]
        # Frames are a batch of images here, with a zero on each side.
        padded = (n if n is None else n + 2 for n in (height, width))
        self.spatial.build((frames, *padded, channels))
        self.temporal.build(output_shape)
        self.norm.build(output_shape)

    def call(self, inputs, training=None):
        # Not a call of `spatial`, whose "same" padding is asymmetric.
        x = ssdet_ops.spatial_conv3d(inputs, self.spatial.kernel.value, 2)
        return convolve_normalized(self.temporal, self.norm, x, training)

    def compute_output_shape(self, input_shape):
        batch, frames, height, width = input_shape[:4]
        return (
            batch,
            frames,
            output_length(height, 3, 2, 1),
            output_length(width, 3, 2, 1),
            self.filters,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "temporal_initializer": keras.initializers.serialize(
                self.temporal_initializer
            ),
            "sub_batch_size": self.sub_batch_size,
        }
