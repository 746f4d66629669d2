"""Shift and scale of a stage of Coarse-Fine Networks."""

import keras

from ssdet_keras.layers.known_channels import known_channels
from ssdet_keras.layers.temporal_gaussian_alignment import (
    TemporalGaussianAlignment,
)


@keras.saving.register_keras_serializable(package="ssdet_keras")
class FineModulation(keras.layers.Layer):
    """Makes a shift and a scale of the features of one stage of Fine.

        features -+------------------------------- alignment, (B, N, h, w, C)
                  |                                 |   |
                  '- 1x1, ReLU - 1x1, sigmoid ------'   +- 1x1, ReLU - 1x1 - shift
                     attention, (B, T, h, w, 1)         '- 1x1, ReLU - 1x1 - scale

    The alignment, a `TemporalGaussianAlignment`, brings features from the T
    steps of Fine to the N of Coarse. `MultiStageFusion` applies the results.

    Args:
        filters: Positive integer. Channels of shift and scale. Defaults to
            those of the features.
        pool: Boolean. Whether the aligned features are averaged over space, as
            for logits. Defaults to `False`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        features: Float tensor of shape `(batch, steps, height, width,
            channels)`.
        centers: Float32 tensor of shape `(batch, outputs)`. Where the outputs
            are, in steps of the features.
        mask: Tensor of shape `(batch, steps)`, 1 at valid steps.

    Returns:
        Tuple of shift and scale, both of shape `(batch, outputs, height, width,
        filters)`, or `(batch, outputs, filters)` if `pool`.

    Raises:
        ValueError: If `filters` is not positive, or the features are not of
            rank 5 or have unknown channels.

    Example:

    ```python
    layer = ssdet_keras.layers.FineModulation()
    shift, scale = layer(
        np.ones((1, 40, 7, 7, 24)), centers=[[2.3, 8.1]], mask=np.ones((1, 40))
    )
    shift.shape  # (1, 2, 7, 7, 24)
    ```

    Reference:
        [Kahatapitiya and Ryoo, 2021](https://arxiv.org/abs/2103.01302),
        "Multi-stage Fusion".
    """

    def __init__(self, filters=None, pool=False, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if filters is not None and filters < 1:
            raise ValueError(
                "`filters` must be a positive integer or None. "
                f"Received: filters={filters}"
            )
        self.filters = filters
        self.pool = bool(pool)
        self.alignment = TemporalGaussianAlignment(
            dtype=self.dtype_policy, name="alignment"
        )

    def build(self, features_shape, centers_shape=None, mask_shape=None):
        channels = known_channels(features_shape)
        filters = self.filters or channels
        outputs_shape = (None, None, *features_shape[2:])
        if centers_shape is not None:
            sizes = features_shape[4:] if self.pool else features_shape[2:]
            outputs_shape = (*centers_shape, *sizes)
        for name, units, activation, shape in (
            ("attention_hidden", channels, "relu", features_shape),
            ("attention", 1, "sigmoid", features_shape),
            ("shift_hidden", channels, "relu", outputs_shape),
            ("shift", filters, None, outputs_shape),
            ("scale_hidden", channels, "relu", outputs_shape),
            ("scale", filters, None, outputs_shape),
        ):
            layer = keras.layers.Dense(
                units, activation, dtype=self.dtype_policy, name=name
            )
            layer.build(shape)
            setattr(self, name, layer)

    def call(self, features, centers, mask):
        features = keras.ops.cast(features, self.compute_dtype)
        attention = self.attention(self.attention_hidden(features))
        x = self.alignment(features, centers, mask, attention)
        if self.pool:
            x = keras.ops.mean(x, axis=(2, 3))
        return (
            self.shift(self.shift_hidden(x)),
            self.scale(self.scale_hidden(x)),
        )

    def compute_output_shape(
        self, features_shape, centers_shape, mask_shape=None
    ):
        sizes = () if self.pool else features_shape[2:4]
        shape = (*centers_shape, *sizes, self.filters or features_shape[-1])
        return shape, shape

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "pool": self.pool,
        }
