"""Frames of a folder of JPEG files."""

import os

from ssdet_keras.data.video_read_error import VideoReadError

_SUFFIXES = (".jpg", ".jpeg", ".png")
# That of the Charades frames.
_FPS = 24.0
# Tells the frames per second of a folder.
FPS_FILE = "fps.txt"


class FolderFrames:
    """Reads the frames of a folder of pictures, in the order of their names.

    A file `fps.txt` in the folder tells the frames per second. It is 24, that
    of the Charades frames, where there is none.

    Args:
        path: String. The folder.

    Raises:
        VideoReadError: If the folder can't be read, or holds no pictures.
    """

    codec = "frames"
    rotation = 0
    times = None

    def __init__(self, path):
        self.path = path
        try:
            names = os.listdir(path)
        except OSError as error:
            raise VideoReadError(path, _reason(error)) from error
        self.fps = self._read_fps() if FPS_FILE in names else _FPS
        self._names = sorted(
            (name for name in names if name.lower().endswith(_SUFFIXES)),
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
        for index in indices:
            yield index, self._decode(self._names[index])

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

    def _decode(self, name):
        import cv2
        import numpy as np

        try:
            with open(os.path.join(self.path, name), "rb") as file:
                data = file.read()
        except OSError as error:
            reason = f"{name}: {_reason(error)}"
            raise VideoReadError(self.path, reason) from error
        # A JPEG file that was cut off would be filled up with grey.
        is_cut_off = data.startswith(b"\xff\xd8") and b"\xff\xd9" not in data
        frame = None
        if data and not is_cut_off:
            frame = cv2.imdecode(
                np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR
            )
        if frame is None:
            raise VideoReadError(self.path, f"{name} can't be decoded")
        return frame

    def _read_fps(self):
        try:
            with open(
                os.path.join(self.path, FPS_FILE), errors="replace"
            ) as file:
                text = file.read().strip()
        except OSError as error:
            reason = f"{FPS_FILE}: {_reason(error)}"
            raise VideoReadError(self.path, reason) from error
        try:
            fps = float(text)
        except ValueError:
            fps = 0.0
        if not 0 < fps < float("inf"):
            raise VideoReadError(
                self.path,
                f"{FPS_FILE} must hold a positive number, not {text[:40]!r}",
            )
        return fps


def _reason(error):
    return error.strerror or str(error)


def _trailing_number(name):
    stem = os.path.splitext(name)[0]
    digits = stem[len(stem.rstrip("0123456789")) :]
    return int(digits) if digits else -1
