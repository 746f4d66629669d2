"""Frames of a folder of JPEG files."""

import os

from ssdet_keras.data.video_read_error import VideoReadError

_SUFFIXES = (".jpg", ".jpeg", ".png")


class FolderFrames:
    """Reads the frames of a folder of pictures, in the order of their names.

    Args:
        path: String. The folder.
        fps: Float. Frames per second.

    Raises:
        VideoReadError: If the folder holds no pictures.
    """

    codec = "frames"
    rotation = 0

    def __init__(self, path, fps):
        self.path = path
        self.fps = fps
        self._names = sorted(
            (
                name
                for name in os.listdir(path)
                if name.lower().endswith(_SUFFIXES)
            ),
            # Frame 2 comes before frame 10, with or without leading zeros.
            key=lambda name: (_trailing_number(name), name),
        )
        if not self._names:
            raise VideoReadError(path, "the folder holds no JPEG or PNG files")
        self.num_frames = self.header_num_frames = len(self._names)
        _, first = next(self.read([0]))
        self.height, self.width = first.shape[:2]

    def read(self, indices):
        """Yields `(index, frame)` of frame indices, as BGR."""
        import cv2
        import numpy as np

        for index in indices:
            name = self._names[index]
            data = np.fromfile(os.path.join(self.path, name), np.uint8)
            frame = None
            if data.size:
                frame = cv2.imdecode(data, cv2.IMREAD_COLOR)
            if frame is None:
                raise VideoReadError(self.path, f"{name} can't be decoded")
            yield index, frame

    def count_decodable_frames(self):
        """Decodes everything, and returns the number of frames."""
        count = 0
        for index in range(self.num_frames):
            try:
                next(self.read([index]))
            except VideoReadError:
                continue
            count += 1
        return count

    def close(self):
        """Does nothing: no file is kept open."""


def _trailing_number(name):
    stem = os.path.splitext(name)[0]
    digits = stem[len(stem.rstrip("0123456789")) :]
    return int(digits) if digits else -1
