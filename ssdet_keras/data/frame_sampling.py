"""Which frames of a video are shown."""

import numpy as np


class FrameSampling:
    """Every so many frames of a video, or so many of each second.

    A rate gives the same motion per frame whatever the rate of the video:

        frame_rate=10, video at 30 fps    0     3     6     9    12
        frame_rate=10, video at 25 fps    0   2     5     8    10

    Args:
        frame_stride: Positive integer or `None`. Frames of the video from one
            frame to the next. Defaults to `5`, unless there is a rate.
        frame_rate: Positive float or `None`. Frames per second.

    Raises:
        ValueError: If both are given, or one is out of its range.
    """

    def __init__(self, frame_stride=None, frame_rate=None):
        if frame_rate is None:
            frame_stride = 5 if frame_stride is None else frame_stride
        elif frame_stride is not None:
            raise ValueError(
                "Only one of `frame_stride` and `frame_rate` must be given. "
                f"Received: frame_stride={frame_stride}, "
                f"frame_rate={frame_rate}"
            )
        elif not 0 < frame_rate < float("inf"):
            raise ValueError(
                "`frame_rate` must be positive. "
                f"Received: frame_rate={frame_rate}"
            )
        if frame_stride is not None and not (
            isinstance(frame_stride, int | np.integer) and frame_stride >= 1
        ):
            raise ValueError(
                "`frame_stride` must be an integer of at least 1. "
                f"Received: frame_stride={frame_stride!r}"
            )
        self.frame_stride = frame_stride
        self.frame_rate = frame_rate

    def indices(self, start, count, fps):
        """Returns the indices of `count` frames.

        Args:
            start: Integer. Index of the first frame.
            count: Integer.
            fps: Float. Frames per second of the video.

        Returns:
            int64 array of `start + k * frame_stride`, or of
            `start + round(k * fps / frame_rate)`, for every `k < count`.
        """
        steps = np.arange(count)
        if self.frame_rate is None:
            return start + steps * self.frame_stride
        # Rounded without the start, every clip has the same gaps.
        return start + np.rint(steps * fps / self.frame_rate).astype("int64")

    def indices_of_video(self, num_frames, fps):
        """Returns the indices of all frames that are shown of a video."""
        step = self.frame_stride or fps / self.frame_rate
        indices = self.indices(0, int(num_frames / step) + 1, fps)
        return indices[indices < num_frames]
