"""Super-event head."""

import keras

from ssdet_keras.layers.mask_steps import mask_steps
from ssdet_keras.layers.super_event import SuperEvent
from ssdet_keras.models.temporal_head import TemporalHead


@keras.saving.register_keras_serializable(package="ssdet_keras")
class SuperEventHead(TemporalHead):
    """Classifies every step, with regard to what the whole video is about.

        features -- dropout --+-- output ----------------- + -- logits
                              |                            |
                              +-- super-event (B, 1, K) ---+

    Args:
        num_classes: Positive integer.
        num_filters: Positive integer. Temporal structure filters of each of two
            sets. Defaults to `3`.
        max_over_filters: Boolean. Whether the maximum over the filters of a set
            is taken, in place of all of them. Defaults to `False`.
        dropout: Float in `[0, 1)`. Rate of dropout of the features and of the
            super-events. Defaults to `0.7`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, features)`.
        mask: Optional boolean tensor of shape `(batch, steps)`, false at
            padding, whose contents have no effect on the valid steps. These
            come first.
        training: Boolean. Whether to apply dropout.

    Returns:
        Logits of shape `(batch, steps, num_classes)`, float32 under every dtype
        policy.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    head = ssdet_keras.models.SuperEventHead(157)
    head(np.ones((2, 40, 1024))).shape  # (2, 40, 157)
    ```

    Reference:
        [Piergiovanni and Ryoo, 2018](https://arxiv.org/abs/1712.01938). As in
        the authors' code, the filters are of Cauchy's shape, and a third
        parameter of theirs, `delta`, has no effect: here it does not exist.
        That code normalises the filters over padding, too, which makes logits
        depend on the other videos of a batch; see `TemporalStructureFilter`.
        Its later release, with temporal Gaussian mixtures, has
        `max_over_filters=True`.
    """

    def __init__(
        self,
        num_classes,
        num_filters=3,
        max_over_filters=False,
        dropout=0.7,
        **kwargs,
    ):
        super().__init__(num_classes, dropout, **kwargs)
        self.num_filters = num_filters
        self.max_over_filters = bool(max_over_filters)
        # Positions in time want float32.
        self.super_event = SuperEvent(
            num_classes,
            num_filters,
            max_over_filters,
            dropout,
            dtype="float32",
            name="super_event",
        )

    def build(self, input_shape):
        self.super_event.build(input_shape)
        limit = (4 * input_shape[-1]) ** -0.5
        uniform = keras.initializers.RandomUniform(-limit, limit)
        self.output_layer = keras.layers.Dense(
            self.num_classes,
            kernel_initializer=uniform,
            bias_initializer=uniform,
            dtype="float32",
            name="output",
        )
        self.output_layer.build(input_shape)

    def call(self, inputs, mask=None, training=None):
        x = self.drop(mask_steps(inputs, mask), training=training)
        logits = self.super_event(x, mask=mask, training=training)
        return self.output_layer(x) + logits[:, None]

    def get_config(self):
        return {
            **super().get_config(),
            "num_filters": self.num_filters,
            "max_over_filters": self.max_over_filters,
        }
