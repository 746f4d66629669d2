"""Fusion of features of a fast stream into a slow one."""

import keras

from ssdet_keras import ops as ssdet_ops
from ssdet_keras.layers.convolve_normalized import convolve_normalized
from ssdet_keras.layers.fused_batch_normalization import FusedBatchNormalization
from ssdet_keras.layers.known_channels import known_channels
from ssdet_keras.layers.pointwise_conv3d import PointwiseConv3D
from ssdet_keras.layers.spatial_pooling import pool_space
from ssdet_keras.layers.take_steps import take_steps


@keras.saving.register_keras_serializable(package="ssdet_keras")
class LateralFusion(keras.layers.Layer):
    r"""Adds features of a fast stream to those of a slow one.

    A convolution over time gives what the slow stream sees of the fast one
    around each of its steps:

        features  0 1 2 3 4 5 6 7 8 9     (batch, frames, 7, 7, channels)
                  '-----+-----'
                      '-----+-----'       kernel 7, around `positions` 3 and 7,
                        |   '---+-- 0     zeros outside of the features
                        |       |
                      conv 7x1x1, BN
                        |       |         resized to height x width
        inputs    ----- + ----- + -----   (batch, steps, height, width, filters)
                        |       |
                          ReLU

    Where the positions are at equal distances, this is the time-strided
    convolution of SlowFast. Two things are not: the result is added in place
    of being concatenated, so that the slow stream can start from the weights
    of a network of one stream; and the ReLU follows the sum in place of the
    BN, which starts at zero, so that the slow stream also starts as that
    network: `inputs`, which must not be negative, pass unchanged. (A ReLU of
    that zero would never pass a gradient.)

    Args:
        kernel_size: Odd integer. Steps of `features` that each output sees.
            Defaults to `7`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, height, width,
            filters)`, outputs of a ReLU.
        features: Float tensor of shape `(batch, frames, rows, columns,
            channels)`, of another height and width. It is convolved at its
            own, and resized as by `SpatialPooling`.
        positions: Integer tensor of shape `(batch, steps)`: the step of
            `features` at each step of `inputs`.
        feature_mask: Optional tensor of shape `(batch, frames)`, 1 at valid
            steps of `features`. The others are taken for zeros.
        training: Boolean. Whether batch statistics normalise.

    Returns:
        Tensor of the shape of `inputs`.

    Raises:
        ValueError: If `kernel_size` is not odd, or if inputs or features are
            not of rank 5 or have unknown channels.

    Example:

    ```python
    layer = ssdet_keras.layers.LateralFusion()
    slow, fast = np.ones((1, 4, 56, 56, 24)), np.ones((1, 16, 7, 7, 24))
    positions = np.array([[2, 6, 10, 14]])
    layer(slow, fast, positions).shape  # (1, 4, 56, 56, 24)
    ```

    Reference:
        [Feichtenhofer et al., 2019](https://arxiv.org/abs/1812.03982), section
        3.3, "time-strided convolution".
    """

    def __init__(self, kernel_size=7, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(kernel_size, int) or kernel_size % 2 == 0:
            raise ValueError(
                "`kernel_size` must be an odd integer. "
                f"Received: kernel_size={kernel_size!r}"
            )
        self.kernel_size = kernel_size
        self.norm = FusedBatchNormalization(
            gamma_initializer="zeros", dtype=self.dtype_policy, name="norm"
        )

    def build(
        self,
        inputs_shape,
        features_shape,
        positions_shape=None,
        feature_mask_shape=None,
    ):
        filters = known_channels(inputs_shape)
        # Its inputs are all steps of the kernel, beside each other.
        channels = self.kernel_size * known_channels(features_shape)
        self.convolution = PointwiseConv3D(
            filters, use_bias=False, dtype=self.dtype_policy, name="convolution"
        )
        taps_shape = (*inputs_shape[:2], *features_shape[2:4])
        self.convolution.build((*taps_shape, channels))
        self.norm.build((*taps_shape, filters))

    def call(
        self, inputs, features, positions, feature_mask=None, training=None
    ):
        x = self._take_taps(features, positions, feature_mask)
        x = convolve_normalized(self.convolution, self.norm, x, training)
        height, width = keras.ops.shape(inputs)[2:4]
        return ssdet_ops.add_relu(pool_space(x, height, width), inputs)

    def _take_taps(self, features, positions, mask):
        """Returns `(batch, steps, rows, columns, kernel_size * channels)`."""
        _, frames, rows, columns, channels = keras.ops.shape(features)
        batch_size, steps = keras.ops.shape(positions)
        taps = keras.ops.arange(self.kernel_size, dtype=positions.dtype)
        taps = positions[..., None] + taps - self.kernel_size // 2
        taps = keras.ops.reshape(taps, (batch_size, -1))
        is_valid = keras.ops.logical_and(taps >= 0, taps < frames)
        weights = keras.ops.cast(is_valid, features.dtype)
        if mask is not None:
            weights *= keras.ops.cast(take_steps(mask, taps), features.dtype)
        x = take_steps(features, taps) * weights[..., None, None, None]
        x = keras.ops.reshape(
            x, (batch_size, steps, self.kernel_size, rows, columns, channels)
        )
        x = keras.ops.transpose(x, (0, 1, 3, 4, 2, 5))
        return keras.ops.reshape(
            x, (batch_size, steps, rows, columns, self.kernel_size * channels)
        )

    def compute_output_shape(
        self,
        inputs_shape,
        features_shape,
        positions_shape=None,
        feature_mask_shape=None,
    ):
        return inputs_shape

    def get_config(self):
        return {**super().get_config(), "kernel_size": self.kernel_size}
