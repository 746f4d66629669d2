"""What all detectors of activities have in common."""

import keras
import numpy as np

from ssdet_keras.data.video_windows import VideoWindows
from ssdet_keras.evaluation.video_detections import VideoDetections
from ssdet_keras.models.predict_frames import predict_windows
from ssdet_keras.models.predict_frames import upsample_to_frames


class VideoDetector(keras.Model):
    """Base class of models that score every class in every frame of a video.

    Subclasses are functional models from videos of shape `(batch, frames,
    height, width, 3)`, pixels in `[0, 255]`, to float32 logits of shape
    `(batch, frames, num_classes)`.

    Attributes:
        num_classes: Integer. To be set by subclasses.
    """

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


def _sigmoid(logits):
    """Returns the sigmoid of an array, which it overwrites."""
    # In place: the scores of a long video are large.
    with np.errstate(over="ignore"):
        np.exp(np.negative(logits, out=logits), out=logits)
    logits += 1
    return np.reciprocal(logits, out=logits)
