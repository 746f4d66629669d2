"""Frames in memory."""


class MemoryFrames:
    """Decoded frames of a video, read as if from its file.

    Args:
        frames: uint8 array of shape `(frames, height, width, 3)`, BGR.
        fps: Float. Frames per second.
    """

    def __init__(self, frames, fps):
        self._frames = frames
        self.fps = fps
        self.num_frames, self.height, self.width = frames.shape[:3]

    def read(self, indices):
        """Yields `(index, frame)` of frame indices, as BGR."""
        for index in indices:
            yield index, self._frames[index]

    def close(self):
        """Does nothing: no file is open."""
