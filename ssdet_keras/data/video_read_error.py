"""The error of unreadable videos."""


class VideoReadError(Exception):
    """Raised when a video can't be read.

    Args:
        path: String. The video file, or the folder of its frames.
        reason: String. What is wrong with it.
    """

    def __init__(self, path, reason):
        # Both arguments, so that the error survives pickling, between the
        # processes of a loader.
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self):
        return f"The video can't be read: {self.path} ({self.reason})"
