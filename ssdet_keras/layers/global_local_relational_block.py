"""Attention between all steps, and convolution of neighbouring ones."""

import keras
from keras import ops

from ssdet_keras.layers.mask_steps import mask_steps
from ssdet_keras.layers.temporal_taps import temporal_taps

_NUM_TAPS = 3


@keras.saving.register_keras_serializable(package="ssdet_keras")
class GlobalLocalRelationalBlock(keras.layers.Layer):
    """Relates steps of a sequence: all to all, then neighbours.

        x = x + project(attention(query, key and value of norm1(x)))
        x = x + reduce(GELU(depthwise convolution(expand(norm2(x)))))

    Args:
        num_heads: Positive integer, a divisor of the features. Defaults to `8`.
        mlp_ratio: Positive integer. Units of the depthwise convolution, as a
            multiple of the features. Defaults to `8`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, features)`.
        mask: Optional boolean tensor of shape `(batch, steps)`. Padding is not
            attended to, and is taken as zero.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: If an argument is not positive, or if the number of features
            is no multiple of `num_heads`.

    Example:

    ```python
    layer = ssdet_keras.layers.GlobalLocalRelationalBlock()
    layer(np.ones((2, 256, 256))).shape  # (2, 256, 256)
    ```

    Reference:
        [Dai et al., 2022](https://arxiv.org/abs/2112.03902), section 3.2,
        "Global Relational Block" and "Local Relational Block". The authors'
        code attends to padding, too.
    """

    def __init__(self, num_heads=8, mlp_ratio=8, **kwargs):
        super().__init__(**kwargs)
        if min(num_heads, mlp_ratio) < 1:
            raise ValueError(
                "`num_heads` and `mlp_ratio` must be positive integers. "
                f"Received: num_heads={num_heads}, mlp_ratio={mlp_ratio}"
            )
        self.num_heads = num_heads
        self.mlp_ratio = mlp_ratio
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        units = input_shape[-1]
        if units % self.num_heads:
            raise ValueError(
                "The number of features must be a multiple of `num_heads`. "
                f"Received: num_heads={self.num_heads}, "
                f"input_shape={tuple(input_shape)}"
            )
        hidden_units = self.mlp_ratio * units
        self.norm1 = self._norm("norm1")
        self.query = self._dense(units, "query")
        self.key_value = self._dense(2 * units, "key_value")
        self.project = self._dense(units, "project")
        self.norm2 = self._norm("norm2")
        self.expand = self._dense(hidden_units, "expand")
        self.reduce = self._dense(units, "reduce")
        for layer in (
            self.norm1,
            self.query,
            self.key_value,
            self.project,
            self.norm2,
            self.expand,
        ):
            layer.build(input_shape)
        self.reduce.build((*input_shape[:-1], hidden_units))
        self.depthwise_kernel = self.add_weight(
            name="depthwise_kernel",
            shape=(_NUM_TAPS, hidden_units),
            initializer=keras.initializers.RandomNormal(
                stddev=(2 / _NUM_TAPS) ** 0.5
            ),
        )
        self.depthwise_bias = self.add_weight(
            name="depthwise_bias", shape=(hidden_units,), initializer="zeros"
        )

    def call(self, inputs, mask=None):
        x = mask_steps(inputs, mask)
        x = x + self._attend(self.norm1(x), mask)
        return x + self._convolve(self.norm2(x), mask)

    def _attend(self, x, mask):
        units = x.shape[-1]
        query, key, value = (
            # Steps may be unknown in a graph, and the batch, too.
            ops.reshape(
                tensor,
                (
                    -1,
                    ops.shape(x)[1],
                    self.num_heads,
                    units // self.num_heads,
                ),
            )
            for tensor in (
                self.query(x),
                *ops.split(self.key_value(x), 2, axis=-1),
            )
        )
        if mask is not None:
            mask = ops.cast(mask, "bool")[:, None, None]
        attended = ops.dot_product_attention(query, key, value, mask=mask)
        return self.project(ops.reshape(attended, ops.shape(x)))

    def _convolve(self, x, mask):
        taps = temporal_taps(mask_steps(self.expand(x), mask), _NUM_TAPS)
        x = self.depthwise_bias
        for i, tap in enumerate(taps):
            x = x + tap * self.depthwise_kernel[i]
        return self.reduce(ops.gelu(x, approximate=False))

    def _norm(self, name):
        return keras.layers.LayerNormalization(
            epsilon=1e-5, dtype=self.dtype_policy, name=name
        )

    def _dense(self, units, name):
        return keras.layers.Dense(
            units,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            dtype=self.dtype_policy,
            name=name,
        )

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "mlp_ratio": self.mlp_ratio,
        }
