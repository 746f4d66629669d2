"""Inception block of I3D."""

import keras

from ssdet_keras.layers.conv_norm3d import ConvNorm3D
from ssdet_keras.layers.known_channels import known_channels
from ssdet_keras.layers.max_pooling3d import MaxPooling3D

# Of the authors' batch norms, and of their port to PyTorch.
_NORM = {"momentum": 0.99, "epsilon": 1e-3}


@keras.saving.register_keras_serializable(package="ssdet_keras")
class InceptionBlock3D(keras.layers.Layer):
    """Four branches of convolutions, side by side.

        inputs --+-- 1x1x1 ---------------- filters[0] --+
                 +-- 1x1x1 -- 3x3x3 ------- filters[2] --+-- outputs
                 |   filters[1]                          |
                 +-- 1x1x1 -- 3x3x3 ------- filters[4] --+
                 |   filters[3]                          |
                 +-- max 3x3x3 -- 1x1x1 --- filters[5] --+

    Every convolution is a `ConvNorm3D`. The size of the video stays.

    Args:
        filters: Six positive integers.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.
        training: Boolean. Whether batch statistics normalise.

    Returns:
        Tensor of shape `(batch, frames, height, width, channels)`, where the
        channels are `filters[0] + filters[2] + filters[4] + filters[5]`.

    Raises:
        ValueError: If there are not six filters, or if the inputs are not of
            rank 5 or have unknown channels.

    Example:

    ```python
    layer = ssdet_keras.layers.InceptionBlock3D((64, 96, 128, 16, 32, 32))
    layer(np.ones((2, 8, 28, 28, 192))).shape  # (2, 8, 28, 28, 256)
    ```

    Reference:
        [Carreira and Zisserman, 2017](https://arxiv.org/abs/1705.07750),
        Figure 3.
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = tuple(filters)
        if len(self.filters) != 6:
            raise ValueError(
                "`filters` must be six positive integers. "
                f"Received: filters={filters!r}"
            )
        self.branch0 = self._conv(0, 1, "branch0")
        self.branch1_reduce = self._conv(1, 1, "branch1_reduce")
        self.branch1 = self._conv(2, 3, "branch1")
        self.branch2_reduce = self._conv(3, 1, "branch2_reduce")
        self.branch2 = self._conv(4, 3, "branch2")
        self.pool = MaxPooling3D(3, 1, dtype=self.dtype_policy, name="pool")
        self.branch3 = self._conv(5, 1, "branch3")
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def build(self, input_shape):
        channels = known_channels(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=5, axes={-1: channels})
        self.pool.build(input_shape)
        for branch in (
            self.branch0,
            self.branch1_reduce,
            self.branch2_reduce,
            self.branch3,
        ):
            branch.build(input_shape)
        self.branch1.build((*input_shape[:-1], self.filters[1]))
        self.branch2.build((*input_shape[:-1], self.filters[3]))

    def call(self, inputs, training=None):
        x1 = self.branch1_reduce(inputs, training=training)
        x2 = self.branch2_reduce(inputs, training=training)
        return keras.ops.concatenate(
            [
                self.branch0(inputs, training=training),
                self.branch1(x1, training=training),
                self.branch2(x2, training=training),
                self.branch3(self.pool(inputs), training=training),
            ],
            axis=-1,
        )

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], sum(self.filters[i] for i in (0, 2, 4, 5)))

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}

    def _conv(self, index, kernel_size, name):
        return ConvNorm3D(
            self.filters[index],
            kernel_size,
            dtype=self.dtype_policy,
            name=name,
            **_NORM,
        )
