"""Embedding of steps, several to one."""

import keras
from keras import ops

from ssdet_keras.layers.mask_steps import mask_steps


@keras.saving.register_keras_serializable(package="ssdet_keras")
class TemporalMergingBlock(keras.layers.Layer):
    """Embeds neighbouring steps, and takes every `stride`th of them.

        inputs -- convolution over 3 steps -- layer norm -- outputs

    Output step t is centred at input step `stride * t`, so that the mask of the
    outputs is every `stride`th element of that of the inputs:

        inputs   0 1 2 3 4 - - -       5 steps, and padding
        outputs  0   1   2   -         3 steps

    Args:
        units: Positive integer. Output features.
        stride: Positive integer. Defaults to `1`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, features)`.
        mask: Optional boolean tensor of shape `(batch, steps)`. Padding is
            taken as zero.

    Returns:
        Tensor of shape `(batch, ceil(steps / stride), units)`.

    Raises:
        ValueError: If an argument is not positive.

    Example:

    ```python
    layer = ssdet_keras.layers.TemporalMergingBlock(384, stride=2)
    layer(np.ones((2, 256, 256))).shape  # (2, 128, 384)
    ```

    Reference:
        [Dai et al., 2022](https://arxiv.org/abs/2112.03902), section 3.2,
        "Temporal Merging Block".
    """

    def __init__(self, units, stride=1, **kwargs):
        super().__init__(**kwargs)
        if min(units, stride) < 1:
            raise ValueError(
                "`units` and `stride` must be positive integers. "
                f"Received: units={units}, stride={stride}"
            )
        self.units = units
        self.stride = stride
        self.projection = keras.layers.Conv1D(
            units,
            3,
            strides=stride,
            kernel_initializer=keras.initializers.VarianceScaling(
                2.0, "fan_out", "untruncated_normal"
            ),
            dtype=self.dtype_policy,
            name="projection",
        )
        self.norm = keras.layers.LayerNormalization(
            epsilon=1e-5, dtype=self.dtype_policy, name="norm"
        )
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        self.projection.build(input_shape)
        self.norm.build((*input_shape[:-1], self.units))

    def call(self, inputs, mask=None):
        # With "same", Keras pads a strided convolution behind alone.
        x = ops.pad(mask_steps(inputs, mask), ((0, 0), (1, 1), (0, 0)))
        return self.norm(self.projection(x))

    def compute_mask(self, inputs, previous_mask):
        return None if previous_mask is None else previous_mask[:, :: self.stride]

    def compute_output_shape(self, input_shape):
        batch, steps, _ = input_shape
        if steps is not None:
            steps = -(-steps // self.stride)
        return (batch, steps, self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "stride": self.stride,
        }
