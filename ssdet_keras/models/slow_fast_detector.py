"""SlowFast for detection."""

import keras

from ssdet_keras.layers.lateral_fusion import LateralFusion
from ssdet_keras.layers.take_steps import take_steps
from ssdet_keras.layers.temporal_subsampling import TemporalSubsampling
from ssdet_keras.layers.temporal_upsampling import TemporalUpsampling
from ssdet_keras.models.feature_pyramid import feature_pyramid
from ssdet_keras.models.make_head import make_head
from ssdet_keras.models.split_stages import split_stages
from ssdet_keras.models.two_stream_detector import TwoStreamDetector
from ssdet_keras.models.two_stream_detector import check_streams
from ssdet_keras.models.two_stream_detector import stream_inputs


@keras.saving.register_keras_serializable(package="ssdet_keras")
class SlowFastDetector(TwoStreamDetector):
    """Scores every class in every frame of a video, in two streams.

    The Fast stream sees every frame, the Slow one every fourth after its first
    stage. After each stage, features of Fast are fused into Slow:

        videos ------------------------------ videos
          |                                     |
        stem                                  stem
        stage1 --- LateralFusion ---.         stage1   T frames
          |                         |           |
          |                         |         TemporalSubsampling
          |                         '---------- +      T / 4 steps
        stage2 --- LateralFusion ---.         stage2
          |                         '---------- +
         ...                                   ...
        conv5                                 conv5
          |                                     |
        LinearHead                            LinearHead
          |                                   TemporalUpsampling
          '-------------- mean ---------------- '
                          logits

    Fast is not thinner than Slow, as in the recognition of actions: on its own
    it is the detector of one stream. Fusions start as zero, so that Slow starts
    as the network whose weights it is given.

    The two streams can be trained together, or Fast on its own and then Slow on
    its features: see `TwoStreamDetector`.

    Args:
        slow: `X3DBackbone`, or another with `pyramid_outputs` that does not
            stride time.
        fast: The same, of any width and depth.
        num_classes: Positive integer.
        ratio: Positive integer. Frames to a step of Slow. Defaults to `4`.
        dropout: Float in `[0, 1)`. Rate of dropout in both heads. Defaults to
            `0.5`.
        **kwargs: Keyword arguments of `keras.Model`: `name`, `trainable`.

    Call arguments:
        inputs: Tensor of shape `(batch, frames, height, width, 3)`, uint8 or
            float, RGB pixels in `[0, 255]`. The number of frames need not be a
            multiple of the ratio.

    Returns:
        Float32 logits of shape `(batch, frames, num_classes)`: the mean of
        those of both streams.

    Attributes:
        slow_stream: `keras.Model` that trains Slow on features of Fast.
        fast_stream: `keras.Model`, the `feature_pyramid` of Fast.
        head: `LinearHead` of Slow.
        fast_head: `LinearHead` of Fast.

    Raises:
        ValueError: If the backbones are the same, or have other stages than
            each other, or an argument is out of range.

    Example:

    ```python
    slow, fast = (ssdet_keras.models.X3DBackbone("m") for _ in range(2))
    detector = ssdet_keras.models.SlowFastDetector(slow, fast, num_classes=157)
    detector(np.zeros((1, 64, 224, 224, 3), "uint8")).shape  # (1, 64, 157)
    ```

    Reference:
        [Feichtenhofer et al., 2019](https://arxiv.org/abs/1812.03982);
        SlowFast_det of [Kahatapitiya et al., 2023](
        https://arxiv.org/abs/2111.13675), Table 2, which says no more than that
        it is a variant with X3D for detection. That its Fast scores as X3D on
        its own is why Fast is a full X3D here.
    """

    def __init__(self, slow, fast, num_classes, ratio=4, dropout=0.5, **kwargs):
        check_streams(slow=slow, fast=fast)
        fast_stream = feature_pyramid(fast)
        parts = split_stages(slow)
        stages = [x for x in parts if x not in ("stem", "output")]
        inputs = stream_inputs(slow, fast_stream, [*stages, "features"])
        head = make_head("linear", num_classes, slow, dropout)
        fast_head = make_head(
            "linear", num_classes, fast, dropout, layer_name="fast_head"
        )

        positions = _ClipPositions(dtype="float32", name="clip_positions")(
            inputs["videos"], inputs["feature_start"]
        )
        subsample = TemporalSubsampling(
            ratio, dtype=slow.dtype_policy, name="subsampling"
        )
        x = inputs["videos"]
        for name, part in parts.items():
            x = part(x)
            if name == stages[0]:
                x = subsample(x)
            if name in stages:
                x = LateralFusion(
                    dtype=slow.dtype_policy, name=f"fusion_{name}"
                )(
                    x,
                    inputs[name],
                    subsample(positions),
                    inputs["feature_mask"],
                )
        logits = TemporalUpsampling(dtype="float32", name="upsampling")(
            head(keras.ops.mean(x, axis=(2, 3))), inputs["videos"]
        )
        fast_features = _ClipFeatures(
            dtype=fast.dtype_policy, name="fast_features"
        )(inputs["features"], positions)
        super().__init__(
            slow,
            fast,
            keras.Model(inputs, (logits + fast_head(fast_features)) / 2),
            fast_stream,
            head,
            num_classes,
            **kwargs,
        )
        self.fast_head = fast_head
        self.ratio = ratio
        self.dropout = float(dropout)

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "slow": keras.saving.serialize_keras_object(self.slow),
            "fast": keras.saving.serialize_keras_object(self.fast),
            "num_classes": self.num_classes,
            "ratio": self.ratio,
            "dropout": self.dropout,
        }


class _ClipPositions(keras.layers.Layer):
    """Steps of the features at the frames of the clip."""

    def call(self, videos, start):
        frames = keras.ops.arange(keras.ops.shape(videos)[1], dtype="int32")
        first = keras.ops.cast(keras.ops.round(start), "int32")
        return first[:, None] + frames

    def compute_output_spec(self, videos, start):
        return keras.KerasTensor(videos.shape[:2], "int32")


class _ClipFeatures(keras.layers.Layer):
    """Features at the frames of the clip."""

    def call(self, features, positions):
        return take_steps(features, positions)

    def compute_output_shape(self, features_shape, positions_shape):
        return (*positions_shape, *features_shape[2:])
