"""Frames in memory."""


class MemoryFrames:
    """Decoded frames of a video, read as if from its file.

    Args:
        frames: uint8 array of shape `(frames, height, width, 3)`, BGR.
        source: The reader of the file, for what it knows besides the frames.
    """

    def __init__(self, frames, source):
        self._frames = frames
        self.num_frames, self.height, self.width = frames.shape[:3]
        self.fps = source.fps
        self.codec = source.codec
        self.rotation = source.rotation
        self.times = source.times
        self.header_num_frames = source.header_num_frames

    def read(self, indices):
        """Yields `(index, frame)` of frame indices, as BGR."""
        for index in indices:
            yield index, self._frames[index]

    def count_decodable_frames(self):
        """Returns the number of frames, all of which have been decoded."""
        return self.num_frames

    def close(self):
        """Does nothing: no file is open."""
