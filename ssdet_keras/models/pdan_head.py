"""Head of a pyramid dilated attention network."""

import keras

from ssdet_keras.models.pdan_stage import PDANStage
from ssdet_keras.models.temporal_head import TemporalHead


@keras.saving.register_keras_serializable(package="ssdet_keras")
class PDANHead(TemporalHead):
    """Classifies every step from steps around it, ever farther ones.

        features -- stage 1 -- logits -- stage 2 -- logits ...

    A stage has blocks of dilated attention: see `PDANStage`. Each later stage
    sees the logits of the one before, in place of the features.

    Args:
        num_classes: Positive integer.
        num_stages: Positive integer. Defaults to `1`.
        num_blocks: Positive integer. Blocks of a stage. Defaults to `5`.
        units: Positive integer. Channels of the blocks. Defaults to `512`.
        dropout: Float in `[0, 1)`. Defaults to `0.5`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, features)`.
        mask: Optional boolean tensor of shape `(batch, steps)`, false at
            padding, whose contents have no effect on the valid steps.
        training: Boolean. Whether to apply dropout.

    Returns:
        Logits of the last stage, of shape `(batch, steps, num_classes)`,
        float32 under every dtype policy.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    head = ssdet_keras.models.PDANHead(157)
    head(np.ones((2, 40, 1024))).shape  # (2, 40, 157)
    ```

    Reference:
        Dai et al., "PDAN: Pyramid Dilated Attention Network for Action
        Detection", WACV 2021. The authors' code masks padding after each block
        alone, so that the first block sees it; here it is zero from the start.
        They are equal for a video without padding.
    """

    def __init__(
        self,
        num_classes,
        num_stages=1,
        num_blocks=5,
        units=512,
        dropout=0.5,
        **kwargs,
    ):
        super().__init__(num_classes, dropout, **kwargs)
        if min(num_stages, num_blocks, units) < 1:
            raise ValueError(
                "`num_stages`, `num_blocks` and `units` must be positive "
                f"integers. Received: num_stages={num_stages}, "
                f"num_blocks={num_blocks}, units={units}"
            )
        self.num_stages = num_stages
        self.num_blocks = num_blocks
        self.units = units
        self.stages = [
            PDANStage(
                num_classes,
                num_blocks,
                units,
                dropout,
                dtype=self.dtype_policy,
                name=f"stage{i + 1}",
            )
            for i in range(num_stages)
        ]

    @property
    def output_layer(self):
        return self.stages[-1].output_layer

    def build(self, input_shape):
        shape = tuple(input_shape)
        for stage in self.stages:
            stage.build(shape)
            shape = (*shape[:-1], self.num_classes)

    def call(self, inputs, mask=None, training=None):
        x = inputs
        for stage in self.stages:
            x = stage(x, mask=mask, training=training)
        return x

    def get_config(self):
        return {
            **super().get_config(),
            "num_stages": self.num_stages,
            "num_blocks": self.num_blocks,
            "units": self.units,
        }
