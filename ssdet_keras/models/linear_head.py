"""Linear head."""

import keras

from ssdet_keras.models.temporal_head import TemporalHead


@keras.saving.register_keras_serializable(package="ssdet_keras")
class LinearHead(TemporalHead):
    """Classifies every step on its own.

        features -- hidden, ReLU -- dropout -- output -- logits

    Steps are independent, so that the mask of padding steps has no effect. It
    is accepted because other heads use it.

    Args:
        num_classes: Positive integer.
        hidden_units: Units of the hidden layer, which has no bias, or `None`
            for no hidden layer. Defaults to `None`.
        dropout: Float in `[0, 1)`. Rate of dropout before the output layer.
            Defaults to `0.5`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, features)`, or `(batch,
            features)`.
        mask: Optional boolean tensor of shape `(batch, steps)`.
        training: Boolean. Whether to apply dropout.

    Returns:
        Logits of shape `(batch, steps, num_classes)`, or `(batch,
        num_classes)`, float32 under every dtype policy.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    head = ssdet_keras.models.LinearHead(157, hidden_units=2048)
    head(np.ones((2, 16, 432))).shape  # (2, 16, 157)
    ```

    Reference:
        [Feichtenhofer, 2020](https://arxiv.org/abs/2004.04730), the head of
        Table 1.
    """

    def __init__(self, num_classes, hidden_units=None, dropout=0.5, **kwargs):
        super().__init__(num_classes, dropout, **kwargs)
        # Also clips, without an axis of steps.
        self.input_spec = None
        if hidden_units is not None and hidden_units < 1:
            raise ValueError(
                "`hidden_units` must be a positive integer or None. "
                f"Received: hidden_units={hidden_units}"
            )
        self.hidden_units = hidden_units
        self.hidden = None
        if hidden_units is not None:
            self.hidden = keras.layers.Dense(
                hidden_units,
                activation="relu",
                use_bias=False,
                dtype=self.dtype_policy,
                name="hidden",
            )
        self.output_layer = keras.layers.Dense(
            num_classes,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            dtype="float32",
            name="output",
        )

    def build(self, input_shape):
        shape = tuple(input_shape)
        if self.hidden is not None:
            self.hidden.build(shape)
            shape = (*shape[:-1], self.hidden_units)
        self.output_layer.build(shape)

    def call(self, inputs, mask=None, training=None):
        x = inputs
        if self.hidden is not None:
            x = self.hidden(x)
        return self.output_layer(self.drop(x, training=training))

    def get_config(self):
        return {**super().get_config(), "hidden_units": self.hidden_units}
