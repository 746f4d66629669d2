"""What all heads that look at several steps have in common."""

import keras


class TemporalHead(keras.layers.Layer):
    """Base class of heads from sequences of features to logits of every step.

    Args:
        num_classes: Positive integer.
        dropout: Float in `[0, 1)`. Rate of the dropout layer `drop`.
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
    """

    def __init__(self, num_classes, dropout, **kwargs):
        super().__init__(**kwargs)
        if num_classes < 1:
            raise ValueError(
                "`num_classes` must be a positive integer. "
                f"Received: num_classes={num_classes}"
            )
        if not 0 <= dropout < 1:
            raise ValueError(
                "`dropout` must be in the range [0, 1). "
                f"Received: dropout={dropout}"
            )
        self.num_classes = num_classes
        self.dropout = float(dropout)
        self.drop = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy, name="drop"
        )
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def compute_output_spec(self, inputs, mask=None, training=None):
        return keras.KerasTensor(
            (*inputs.shape[:-1], self.num_classes), dtype="float32"
        )

    def compute_mask(self, inputs, previous_mask):
        # Losses tell padding by its labels.
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "dropout": self.dropout,
        }
