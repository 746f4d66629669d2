"""Coarse-Fine Networks."""

import keras

from ssdet_keras.layers.fine_modulation import FineModulation
from ssdet_keras.layers.grid_pool import GridPool
from ssdet_keras.layers.grid_unpool import GridUnpool
from ssdet_keras.layers.multi_stage_fusion import MultiStageFusion
from ssdet_keras.layers.temporal_upsampling import TemporalUpsampling
from ssdet_keras.layers.uniform_pool import UniformPool
from ssdet_keras.models.feature_pyramid import feature_pyramid
from ssdet_keras.models.make_head import make_head
from ssdet_keras.models.split_stages import split_stages
from ssdet_keras.models.two_stream_detector import TwoStreamDetector
from ssdet_keras.models.two_stream_detector import check_streams
from ssdet_keras.models.two_stream_detector import stream_inputs

_POOLINGS = ("grid", "stride", "max", "average")


@keras.saving.register_keras_serializable(package="ssdet_keras")
class CoarseFineDetector(TwoStreamDetector):
    """Scores every class in every frame of a video, in two streams.

    The Fine stream sees every frame, the Coarse one about every fourth after
    its first stage, where it learns to look. After each stage, Coarse is scaled
    and shifted by what all stages of Fine show around its steps:

        videos ------------------------------- videos
          |                                      |
        stem                                   stem
        stage1 -- FineModulation -.            stage1          T frames
          |                       |            GridPool        T / 4 + 1 steps
          |                       +----------- MultiStageFusion
        stage2 -- FineModulation -+            stage2
          |                       +----------- MultiStageFusion
         ...                     ...            ...
        stage4 -- FineModulation -+            stage4
          |                       +----------- MultiStageFusion
        conv5                                  conv5
          |                                    LinearHead
          '------ FineModulation ------------- x sigmoid(scale) + shift
                                               GridUnpool
                                               TemporalUpsampling   T frames
                                               logits

    The two streams can be trained together, or Fine on its own and then Coarse
    on its features: see `TwoStreamDetector`, and `docs/two_streams.md`.

    Args:
        coarse: `X3DBackbone`, or another with `pyramid_outputs` that does not
            stride time.
        fine: The same, of any width and depth.
        num_classes: Positive integer.
        pooling: `"grid"`, or what it is compared with: `"stride"`, `"max"` or
            `"average"`, which pool time evenly. Defaults to `"grid"`.
        ratio: Integer. Frames to a step of Coarse, a power of two for a grid.
            Defaults to `4`.
        dropout: Float in `[0, 1)`. Rate of dropout in the head. Defaults to
            `0.5`.
        **kwargs: Keyword arguments of `keras.Model`: `name`, `trainable`.

    Call arguments:
        inputs: Tensor of shape `(batch, frames, height, width, 3)`, uint8 or
            float, RGB pixels in `[0, 255]`. The number of frames need not be a
            multiple of the ratio.

    Returns:
        Float32 logits of shape `(batch, frames, num_classes)`.

    Attributes:
        coarse: As given.
        fine: As given.
        slow_stream: `keras.Model` that trains Coarse on features of Fine.
        fast_stream: `keras.Model`, the `feature_pyramid` of Fine.
        head: `LinearHead` of Coarse.

    Raises:
        ValueError: If the backbones are the same, or have other stages than
            each other, or an argument is unknown or out of range.

    Example:

    ```python
    coarse, fine = (ssdet_keras.models.X3DBackbone("m") for _ in range(2))
    detector = ssdet_keras.models.CoarseFineDetector(
        coarse, fine, num_classes=157
    )
    detector(np.zeros((1, 64, 224, 224, 3), "uint8")).shape  # (1, 64, 157)
    ```

    Reference:
        [Kahatapitiya and Ryoo, 2021](https://arxiv.org/abs/2103.01302).
    """

    def __init__(
        self,
        coarse,
        fine,
        num_classes,
        pooling="grid",
        ratio=4,
        dropout=0.5,
        **kwargs,
    ):
        check_streams(coarse=coarse, fine=fine)
        if pooling not in _POOLINGS:
            raise ValueError(
                f"`pooling` must be one of {_POOLINGS}. "
                f"Received: pooling={pooling!r}"
            )
        is_grid = pooling == "grid"
        policy = coarse.dtype_policy
        pool = (
            GridPool(ratio, dtype=policy, name="grid_pool")
            if is_grid
            else UniformPool(pooling, ratio, dtype=policy, name="uniform_pool")
        )
        head = make_head("linear", num_classes, coarse, dropout)
        fast_stream = feature_pyramid(fine)
        parts = split_stages(coarse)
        stages = [x for x in parts if x not in ("stem", "output")]
        inputs = stream_inputs(coarse, fast_stream, [*stages, "output"])

        videos = inputs["videos"]
        x, positions = pool(parts[stages[0]](parts["stem"](videos)))
        centers = _FeaturePositions(dtype="float32", name="feature_positions")(
            positions, videos, inputs["feature_start"]
        )
        shifts, scales = zip(
            *(
                FineModulation(dtype=policy, name=f"fusion_{name}_modulation")(
                    inputs[name], centers, inputs["feature_mask"]
                )
                for name in stages
            ),
            strict=True,
        )
        for name in stages:
            if name != stages[0]:
                x = parts[name](x)
            x = MultiStageFusion(dtype=policy, name=f"fusion_{name}")(
                x, list(shifts), list(scales)
            )
        x = parts["output"](x)
        logits = head(keras.ops.mean(x, axis=(2, 3)))
        shift, scale = FineModulation(
            num_classes, pool=True, dtype=policy, name="fusion_logits"
        )(inputs["output"], centers, inputs["feature_mask"])
        logits = logits * keras.ops.sigmoid(scale) + shift
        if is_grid:
            logits = GridUnpool(dtype="float32", name="grid_unpool")(
                logits, positions
            )
        logits = TemporalUpsampling(
            align_corners=is_grid, dtype="float32", name="upsampling"
        )(logits, videos)
        super().__init__(
            coarse,
            fine,
            keras.Model(inputs, logits),
            fast_stream,
            head,
            num_classes,
            **kwargs,
        )
        self.pooling = pooling
        self.ratio = ratio
        self.dropout = float(dropout)

    @property
    def coarse(self):
        return self.slow

    @property
    def fine(self):
        return self.fast

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "coarse": keras.saving.serialize_keras_object(self.coarse),
            "fine": keras.saving.serialize_keras_object(self.fine),
            "num_classes": self.num_classes,
            "pooling": self.pooling,
            "ratio": self.ratio,
            "dropout": self.dropout,
        }


class _FeaturePositions(keras.layers.Layer):
    """Steps of the features at positions of the clip."""

    def call(self, positions, videos, start):
        frames = keras.ops.cast(keras.ops.shape(videos)[1], "float32")
        return start[:, None] + positions * frames

    def compute_output_shape(self, positions_shape, videos_shape, start_shape):
        return positions_shape
