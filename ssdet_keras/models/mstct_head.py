"""Head of a multi-scale temporal ConvTransformer."""

import keras

from ssdet_keras.layers.global_local_relational_block import (
    GlobalLocalRelationalBlock,
)
from ssdet_keras.layers.mask_steps import mask_steps
from ssdet_keras.layers.temporal_merging_block import TemporalMergingBlock
from ssdet_keras.layers.temporal_scale_mixer import TemporalScaleMixer
from ssdet_keras.models.temporal_head import TemporalHead


@keras.saving.register_keras_serializable(package="ssdet_keras")
class MSTCTHead(TemporalHead):
    """Classifies every step from relations of all steps, at several scales.

        features -- dropout -- stage 1 -- stage 2 -- stage 3 -- stage 4
                                  |  T       |  T/2     |  T/4     |  T/8
                               temporal scale mixer --------------------
                                  |                     |
                                mixed                unmixed
                                  |                     |
                                fuse          convolution, ReLU, output
                                  |                     |
                                output               heat map
                                  |
                                logits

    A stage is a `TemporalMergingBlock`, blocks of `GlobalLocalRelationalBlock`,
    and a layer norm.

    The heat map has a peak at the centre of each activity. It is needed for
    the published training alone: a second output of the head, for a second
    loss, as in the example.

    Args:
        num_classes: Positive integer.
        stage_units: Sequence of positive integers. Features of each stage.
            Defaults to `(256, 384, 576, 864)`.
        num_blocks: Positive integer. Blocks of a stage. Defaults to `3`.
        num_heads: Positive integer, a divisor of all `stage_units`. Defaults to
            `8`.
        mlp_ratio: Positive integer. Units inside of a block, as a multiple of
            `stage_units`. Defaults to `8`.
        mixer_units: Positive integer. Features of the mixer for each stage.
            Defaults to `512`.
        dropout: Float in `[0, 1)`. Rate of dropout of the features. Defaults to
            `0.5`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, features)`.
        mask: Optional boolean tensor of shape `(batch, steps)`, false at
            padding, whose contents have no effect on the valid steps. These
            come first.
        training: Boolean. Whether to apply dropout.
        return_heat_map: Boolean. Whether to return a dict of `"logits"` and
            `"heat_map"`. Defaults to `False`.

    Returns:
        Logits of shape `(batch, steps, num_classes)`, float32 under every dtype
        policy; or a dict of them and of the logits of the heat map, of the same
        shape.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    features = keras.Input((None, 1024))
    mask = keras.Input((None,), dtype="bool")
    head = ssdet_keras.models.MSTCTHead(157)
    model = keras.Model(
        [features, mask], head(features, mask=mask, return_heat_map=True)
    )
    model.compile(
        keras.optimizers.Adam(1e-4),
        loss={
            "logits": ssdet_keras.training.FrameCrossEntropy(),
            "heat_map": ssdet_keras.training.HeatMapLoss(),
        },
        loss_weights={"logits": 1.0, "heat_map": 0.05},
    )
    model.fit(
        [x, valid],
        {
            "logits": labels,
            "heat_map": ssdet_keras.training.center_heat_maps(labels),
        },
    )
    ```

    Reference:
        [Dai et al., 2022](https://arxiv.org/abs/2112.03902). As in the authors'
        code, the coarsest scale is added to the finer ones, the heat-map branch
        sees the unmixed features, and nothing but a linear layer is between the
        mixer and the output. That code pads every video to 256 steps, and
        attends to the padding; here padding has no effect. They are equal for a
        video without padding.
    """

    def __init__(
        self,
        num_classes,
        stage_units=(256, 384, 576, 864),
        num_blocks=3,
        num_heads=8,
        mlp_ratio=8,
        mixer_units=512,
        dropout=0.5,
        **kwargs,
    ):
        super().__init__(num_classes, dropout, **kwargs)
        if not stage_units or min(*stage_units, num_blocks) < 1:
            raise ValueError(
                "`stage_units` and `num_blocks` must be positive integers. "
                f"Received: stage_units={stage_units}, num_blocks={num_blocks}"
            )
        self.stage_units = tuple(stage_units)
        self.num_blocks = num_blocks
        self.num_heads = num_heads
        self.mlp_ratio = mlp_ratio
        self.mixer_units = mixer_units
        kwargs = {"dtype": self.dtype_policy}
        self.mergings, self.blocks, self.norms = [], [], []
        for i, units in enumerate(self.stage_units):
            stage = f"stage{i + 1}"
            self.mergings.append(
                TemporalMergingBlock(
                    units,
                    stride=1 if i == 0 else 2,
                    name=f"{stage}_merging",
                    **kwargs,
                )
            )
            self.blocks.append(
                [
                    GlobalLocalRelationalBlock(
                        num_heads,
                        mlp_ratio,
                        name=f"{stage}_block{j + 1}",
                        **kwargs,
                    )
                    for j in range(num_blocks)
                ]
            )
            self.norms.append(
                keras.layers.LayerNormalization(
                    epsilon=1e-5, name=f"{stage}_norm", **kwargs
                )
            )
        self.mixer = TemporalScaleMixer(mixer_units, name="mixer", **kwargs)
        self.fuse = keras.layers.Dense(mixer_units, name="fuse", **kwargs)
        self.output_layer = keras.layers.Dense(
            num_classes, dtype="float32", name="output"
        )
        self.heat_map_hidden = keras.layers.Conv1D(
            mixer_units,
            3,
            padding="same",
            activation="relu",
            name="heat_map_hidden",
            **kwargs,
        )
        self.heat_map_output = keras.layers.Dense(
            num_classes, dtype="float32", name="heat_map_output"
        )

    def build(self, input_shape):
        shape, scales = tuple(input_shape), []
        for merging, blocks, norm in zip(
            self.mergings, self.blocks, self.norms, strict=True
        ):
            merging.build(shape)
            shape = merging.compute_output_shape(shape)
            for layer in (*blocks, norm):
                layer.build(shape)
            scales.append(shape)
        self.mixer.build(scales)
        mixed, unmixed = self.mixer.compute_output_shape(scales)
        self.fuse.build(mixed)
        self.heat_map_hidden.build(unmixed)
        for layer in (self.output_layer, self.heat_map_output):
            layer.build((*mixed[:-1], self.mixer_units))

    def call(self, inputs, mask=None, training=None, return_heat_map=False):
        x = self.drop(mask_steps(inputs, mask), training=training)
        scales, masks = [], []
        for i in range(len(self.stage_units)):
            x = self.mergings[i](x, mask=mask)
            mask = self.mergings[i].compute_mask(x, mask)
            for block in self.blocks[i]:
                x = block(x, mask=mask)
            x = self.norms[i](x)
            scales.append(x)
            masks.append(mask)
        if mask is None:
            masks = None
        mixed, unmixed = self.mixer(scales, mask=masks)
        logits = self.output_layer(self.fuse(mixed))
        if not return_heat_map:
            return logits
        if masks is not None:
            unmixed = mask_steps(unmixed, masks[0])
        heat_map = self.heat_map_output(self.heat_map_hidden(unmixed))
        return {"logits": logits, "heat_map": heat_map}

    def compute_output_spec(
        self, inputs, mask=None, training=None, return_heat_map=False
    ):
        logits = super().compute_output_spec(inputs)
        if not return_heat_map:
            return logits
        heat_map = super().compute_output_spec(inputs)
        return {"logits": logits, "heat_map": heat_map}

    def get_config(self):
        return {
            **super().get_config(),
            "stage_units": self.stage_units,
            "num_blocks": self.num_blocks,
            "num_heads": self.num_heads,
            "mlp_ratio": self.mlp_ratio,
            "mixer_units": self.mixer_units,
        }
