"""What is detected in one video."""

import dataclasses

import numpy as np

from ssdet_keras.evaluation.find_segments import find_segments


@dataclasses.dataclass(frozen=True, eq=False)
class VideoDetections:
    """The scores of every frame of one video.

    Args:
        scores: Float32 array of shape `(frames, classes)`, probabilities. Frame
            `i` is shown at `i / fps` seconds.
        fps: Float. Frames per second of the video.
        class_names: Sequence of strings. The name of each class.

    Raises:
        ValueError: If there are not as many names as classes, or `fps` is not
            positive.

    Example:

    ```python
    detections = detector.detect("pancake.mp4")
    detections.scores.shape  # (frames, classes)
    detections.segments(threshold=0.6, low_threshold=0.3)
    ```
    """

    scores: np.ndarray
    fps: float
    class_names: tuple

    def __post_init__(self):
        object.__setattr__(self, "class_names", tuple(self.class_names))
        if self.scores.ndim != 2 or self.scores.shape[1] != len(
            self.class_names
        ):
            raise ValueError(
                "`scores` must have the shape (frames, "
                f"{len(self.class_names)}), with one column for each name. "
                f"Received: scores.shape={self.scores.shape}"
            )
        if not 0 < self.fps < np.inf:
            raise ValueError(
                f"`fps` must be positive. Received: fps={self.fps}"
            )

    @property
    def duration(self):
        """Length of the video in seconds."""
        return len(self.scores) / self.fps

    def segments(self, **kwargs):
        """Returns the stretches in which classes are active.

        Args:
            **kwargs: Arguments of `find_segments`, but for the scores and
                their times, such as `threshold`.

        Returns:
            A list of `DetectedSegment`, with times in seconds.
        """
        return find_segments(self.scores, fps=self.fps, **kwargs)
