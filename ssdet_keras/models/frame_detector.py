"""Detection of activities in every frame."""

import keras

from ssdet_keras.layers.temporal_upsampling import TemporalUpsampling
from ssdet_keras.models.make_head import make_head
from ssdet_keras.models.video_classifier import check_backbone
from ssdet_keras.models.video_detector import VideoDetector


@keras.saving.register_keras_serializable(package="ssdet_keras")
class FrameDetector(VideoDetector):
    """Scores every class in every frame of a video.

        videos -- backbone -- mean over space -- head -- upsample -- logits
                              (B, T', D)                 (B, T, classes)

    Where the backbone strides time, the logits are interpolated linearly to the
    frame rate of the videos. Several classes can be active at once: train with
    a sigmoid loss, or see `ssdet_keras.training` for the published losses.

    Args:
        backbone: `keras.Model` from `(batch, frames, height, width, 3)` to
            `(batch, steps, height, width, features)`, such as `X3DBackbone`.
        num_classes: Positive integer.
        head: `"linear"`, a `LinearHead` with `backbone.hidden_units` hidden
            units (where the backbone has this attribute); `"super_event"`,
            `"tgm"`, `"tgm_super_event"`, `"pdan"` or `"mstct"`, with their
            published sizes; or a layer from `(batch, steps, features)` to
            `(batch, steps, num_classes)`. Defaults to `"linear"`.
        dropout: Float in `[0, 1)`. Rate of dropout in a head given by name, or
            `None` for that head's own. Defaults to `None`.
        **kwargs: Keyword arguments of `keras.Model`: `name`, `trainable`.

    Call arguments:
        inputs: Tensor of shape `(batch, frames, height, width, 3)`, uint8 or
            float, RGB pixels in `[0, 255]`.

    Returns:
        Float32 logits of shape `(batch, frames, num_classes)`.

    Raises:
        ValueError: If the backbone does not give features of rank 5, if the
            head is unknown, or if it has another number of classes.

    Example:

    ```python
    backbone = ssdet_keras.models.X3DBackbone("m")
    detector = ssdet_keras.models.FrameDetector(backbone, num_classes=157)
    detector(np.zeros((1, 16, 224, 224, 3), "uint8")).shape  # (1, 16, 157)

    detections = detector.detect("pancake.mp4", frame_stride=5)
    detections.scores.shape  # (frames of the video, 157)
    detections.segments(threshold=0.5)
    ```

    Reference:
        [Kahatapitiya et al., 2023](https://arxiv.org/abs/2111.13675).
    """

    def __init__(
        self, backbone, num_classes, head="linear", dropout=None, **kwargs
    ):
        check_backbone(backbone)
        head_layer = head
        if not isinstance(head, keras.layers.Layer):
            head_layer = make_head(head, num_classes, backbone, dropout)
        inputs = keras.Input(
            backbone.input_shape[1:], dtype="float32", name="videos"
        )
        features = keras.ops.mean(backbone(inputs), axis=(2, 3))
        logits = head_layer(features)
        if logits.shape[-1] != num_classes or len(logits.shape) != 3:
            raise ValueError(
                "`head` must give (batch, steps, num_classes). Received: "
                f"num_classes={num_classes}, head output shape={logits.shape}"
            )
        outputs = TemporalUpsampling(dtype="float32", name="upsampling")(
            logits, inputs
        )
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.backbone = backbone
        self.head = head_layer
        self.num_classes = num_classes
        self.dropout = dropout
        self._head_name = head if isinstance(head, str) else None

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "num_classes": self.num_classes,
            "head": self._head_name
            or keras.saving.serialize_keras_object(self.head),
            "dropout": self.dropout,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for key in ("backbone", "head"):
            if not isinstance(config[key], str):
                config[key] = keras.saving.deserialize_keras_object(
                    config[key], custom_objects=custom_objects
                )
        return cls(**config)
