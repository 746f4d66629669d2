"""Detection of activities in every frame."""

import keras
import numpy as np

from ssdet_keras.data.video_windows import VideoWindows
from ssdet_keras.evaluation.video_detections import VideoDetections
from ssdet_keras.layers.temporal_upsampling import TemporalUpsampling
from ssdet_keras.models.linear_head import LinearHead
from ssdet_keras.models.predict_frames import predict_windows
from ssdet_keras.models.predict_frames import upsample_to_frames
from ssdet_keras.models.video_classifier import check_backbone


@keras.saving.register_keras_serializable(package="ssdet_keras")
class FrameDetector(keras.Model):
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
            units (where the backbone has this attribute); or a layer from
            `(batch, steps, features)` to `(batch, steps, num_classes)`.
            Defaults to `"linear"`.
        dropout: Float in `[0, 1)`. Rate of dropout in a head given by name.
            Defaults to `0.5`.
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
        self, backbone, num_classes, head="linear", dropout=0.5, **kwargs
    ):
        check_backbone(backbone)
        head_layer = head
        if head == "linear":
            head_layer = LinearHead(
                num_classes,
                hidden_units=getattr(backbone, "hidden_units", None),
                dropout=dropout,
                dtype=backbone.dtype_policy,
                name="head",
            )
        elif not isinstance(head, keras.layers.Layer):
            raise ValueError(
                "`head` must be 'linear' or a `keras.layers.Layer`. "
                f"Received: head={head!r}"
            )
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
        self.dropout = float(dropout)
        self._head_name = head if isinstance(head, str) else None

    def detect(
        self,
        video,
        window=128,
        overlap=None,
        frame_stride=None,
        frame_rate=None,
        size=224,
        crop_scale=0.875,
        class_names=None,
    ):
        """Detects activities in a video of any length, in bounded memory.

        The model sees a video of up to `window` frames in one pass. A longer
        one is cut into overlapping windows, of which one is in memory at a
        time. Their logits are blended away from their borders, and
        interpolated linearly to the frame rate of the video.

        Windows are exact, up to rounding, for an `X3DBackbone` but for its
        squeeze-excite, if `overlap` is at least its `receptive_field`.
        Squeeze-excite takes means over all frames that the model sees at
        once: with it, the scores of a long video depend on the window. How
        much is in `docs/detection.md`.

        Args:
            video: Path, `VideoRecord`, or `VideoFile`, which stays open.
            window: Integer. Frames that the model sees at once, after the
                stride. X3D-M needs about 10 MB for each, at 224 x 224.
                Defaults to `128`.
            overlap: Integer below `window`. Frames that two windows share; the
                last window is moved back to end with the video, and shares
                more. Defaults to a quarter of the window.
            frame_stride: Integer. Frames of the video from one frame that the
                model sees to the next, as in training. Defaults to `5`,
                unless there is a `frame_rate`.
            frame_rate: Float. Frames per second that the model sees, in place
                of `frame_stride`.
            size: Integer. Height and width of the frames. Defaults to `224`.
            crop_scale: Float in `(0, 1]`. Side of the centre crop, as a share
                of the short side. Defaults to `0.875`.
            class_names: Sequence of strings, or `None` for `"class 0"`,
                `"class 1"` and so on.

        Returns:
            `ssdet_keras.evaluation.VideoDetections`: float32 probabilities
            `scores` of shape `(frames of the video, num_classes)`, `fps` and
            `class_names`, and `segments()`.

        Raises:
            VideoReadError: If the video can't be read.
            ValueError: If an argument is out of its range, or there are not
                as many class names as classes.

        Example:

        ```python
        detections = detector.detect("pancake.mp4", frame_stride=5)
        for index, start, end, score in detections.segments(threshold=0.5):
            print(detections.class_names[index], start, end)
        ```
        """
        if class_names is None:
            class_names = [f"class {i}" for i in range(self.num_classes)]
        if len(class_names) != self.num_classes:
            raise ValueError(
                f"`class_names` must name {self.num_classes} classes. "
                f"Received: {len(class_names)} names"
            )
        windows = VideoWindows(
            video,
            window=window,
            overlap=overlap,
            frame_stride=frame_stride,
            frame_rate=frame_rate,
            size=size,
            crop_scale=crop_scale,
        )
        logits = upsample_to_frames(
            predict_windows(self, windows, windows.overlap),
            windows.frame_indices,
            windows.num_frames,
        )
        return VideoDetections(_sigmoid(logits), windows.fps, class_names)

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


def _sigmoid(logits):
    """Returns the sigmoid of an array, which it overwrites."""
    # In place: the scores of a long video are large.
    with np.errstate(over="ignore"):
        np.exp(np.negative(logits, out=logits), out=logits)
    logits += 1
    return np.reciprocal(logits, out=logits)
