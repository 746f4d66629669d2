"""Attention over neighbouring steps of a sequence."""

import keras
from keras import ops

from ssdet_keras.layers.temporal_taps import temporal_taps

_NUM_TAPS = 3


@keras.saving.register_keras_serializable(package="ssdet_keras")
class DilatedAttention(keras.layers.Layer):
    """Attends to three steps, channel by channel: a dilated attention layer.

        query at t   keys and values at t - d, t, t + d  (zero beyond the ends)

        output[t] = sum_k softmax_k(query[t] key[t + k d])
                          (value[t + k d] + relative[k])

    The products are those of elements: every channel has its own attention.

    Args:
        filters: Positive integer. Output channels.
        dilation: Positive integer. Defaults to `1`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, channels)`. Padding must
            be zero.

    Returns:
        Tensor of shape `(batch, steps, filters)`.

    Raises:
        ValueError: If an argument is not positive.

    Example:

    ```python
    layer = ssdet_keras.layers.DilatedAttention(512, dilation=4)
    layer(np.ones((2, 40, 512))).shape  # (2, 40, 512)
    ```

    Reference:
        [Dai et al., 2021](https://openaccess.thecvf.com/content/WACV2021/html/
        Dai_PDAN_Pyramid_Dilated_Attention_Network_for_Action_Detection_WACV_2021_paper.html),
        section 3.2.
    """

    def __init__(self, filters, dilation=1, **kwargs):
        super().__init__(**kwargs)
        if min(filters, dilation) < 1:
            raise ValueError(
                "`filters` and `dilation` must be positive integers. "
                f"Received: filters={filters}, dilation={dilation}"
            )
        self.filters = filters
        self.dilation = dilation
        self.query, self.key, self.value = (
            keras.layers.Dense(
                filters,
                use_bias=False,
                kernel_initializer=keras.initializers.VarianceScaling(
                    2.0, "fan_out", "untruncated_normal"
                ),
                dtype=self.dtype_policy,
                name=name,
            )
            for name in ("query", "key", "value")
        )
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        for layer in (self.query, self.key, self.value):
            layer.build(input_shape)
        self.relative = self.add_weight(
            name="relative",
            shape=(_NUM_TAPS, self.filters),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )

    def call(self, inputs):
        query = self.query(inputs)[:, :, None]
        key, value = (
            ops.stack(
                temporal_taps(layer(inputs), _NUM_TAPS, self.dilation), axis=2
            )
            for layer in (self.key, self.value)
        )
        attention = ops.softmax(query * key, axis=2)
        return ops.sum(attention * (value + self.relative), axis=2)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "dilation": self.dilation,
        }
