"""Stage of a pyramid dilated attention network."""

import keras
from keras import ops

from ssdet_keras.layers.dilated_attention import DilatedAttention
from ssdet_keras.layers.mask_steps import mask_steps
from ssdet_keras.models.temporal_head import TemporalHead


@keras.saving.register_keras_serializable(package="ssdet_keras")
class PDANStage(TemporalHead):
    """Classifies every step from steps around it, ever farther ones.

        features -- linear -- block -- block -- ... -- output -- logits
                              d = 1    d = 2

        block:  x --+-- attention -- ReLU -- linear -- dropout -- + --
                    |                                             |
                    +---------------------------------------------+

    The dilation d of the attention doubles from block to block.

    Args:
        num_classes: Positive integer.
        num_blocks: Positive integer. Defaults to `5`.
        units: Positive integer. Channels of the blocks. Defaults to `512`.
        dropout: Float in `[0, 1)`. Defaults to `0.5`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, features)`.
        mask: Optional boolean tensor of shape `(batch, steps)`, false at
            padding, whose contents have no effect on the valid steps.
        training: Boolean. Whether to apply dropout.

    Returns:
        Logits of shape `(batch, steps, num_classes)`, float32 under every dtype
        policy.

    Reference:
        See `PDANHead`.
    """

    def __init__(
        self, num_classes, num_blocks=5, units=512, dropout=0.5, **kwargs
    ):
        super().__init__(num_classes, dropout, **kwargs)
        self.num_blocks = num_blocks
        self.units = units
        self.input_layer = self._dense("input")
        self.attentions = [
            DilatedAttention(
                units,
                2**i,
                dtype=self.dtype_policy,
                name=f"block{i + 1}_attention",
            )
            for i in range(num_blocks)
        ]
        self.linears = [
            self._dense(f"block{i + 1}_linear") for i in range(num_blocks)
        ]
        self.output_layer = keras.layers.Dense(
            num_classes, dtype="float32", name="output"
        )

    def _dense(self, name):
        return keras.layers.Dense(
            self.units, dtype=self.dtype_policy, name=name
        )

    def build(self, input_shape):
        self.input_layer.build(input_shape)
        shape = (*input_shape[:-1], self.units)
        for layer in (*self.attentions, *self.linears, self.output_layer):
            layer.build(shape)

    def call(self, inputs, mask=None, training=None):
        # Masked before, too: padding may be infinite, or not a number.
        x = mask_steps(self.input_layer(mask_steps(inputs, mask)), mask)
        for attention, linear in zip(
            self.attentions, self.linears, strict=True
        ):
            change = linear(ops.relu(attention(x)))
            x = x + self.drop(change, training=training)
            x = mask_steps(x, mask)
        return self.output_layer(x)

    def get_config(self):
        return {
            **super().get_config(),
            "num_blocks": self.num_blocks,
            "units": self.units,
        }
