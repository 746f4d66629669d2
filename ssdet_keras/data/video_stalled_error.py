"""The error of videos that hang."""

from ssdet_keras.data.video_read_error import VideoReadError


class VideoStalledError(VideoReadError):
    """Raised when a video is not read in time.

    Args:
        path: String. The video file, or the folder of its frames.
        reason: String. What is wrong with it.
    """
