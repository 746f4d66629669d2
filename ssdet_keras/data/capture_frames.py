"""Frames of a video file, by OpenCV."""

import math
import os

from ssdet_keras.data.video_read_error import VideoReadError

# These formats store their number of frames. For the others it is a guess
# from the duration, which may be that of the sound.
_SUFFIXES_WITH_FRAME_COUNT = (".mp4", ".m4v", ".mov", ".avi")


class CaptureFrames:
    """Reads the frames of a video file in their order.

    Args:
        path: String. The file.
        num_frames: Integer or `None`. Number of frames, if it is known.

    Raises:
        VideoReadError: If the file is not a readable video.
    """

    def __init__(self, path, num_frames=None):
        self.path = path
        self._capture = self._open()
        self.fps = self._get("FPS")
        if not math.isfinite(self.fps) or self.fps <= 0:
            raise VideoReadError(path, "it has no frame rate")
        self.height = int(self._get("FRAME_HEIGHT"))
        self.width = int(self._get("FRAME_WIDTH"))
        self._position = 0
        self._num_frames = num_frames

    @property
    def num_frames(self):
        """Number of frames."""
        if self._num_frames is None:
            self._num_frames = self._count()
        return self._num_frames

    @property
    def header_num_frames(self):
        """Number of frames that the header tells or lets guess, or `None`."""
        count = self._get("FRAME_COUNT")
        return int(count) if count > 0 else None

    @property
    def rotation(self):
        """Degrees, clockwise, by which frames are turned."""
        return int(self._get("ORIENTATION_META")) % 360

    @property
    def codec(self):
        """Four characters."""
        code = int(self._get("FOURCC"))
        return code.to_bytes(4, "little").decode("latin-1").strip("\0 ")

    def count_decodable_frames(self):
        """Decodes everything, and returns the number of frames."""
        self._rewind()
        while self._capture.grab():
            # Some faults show only here.
            if not self._capture.retrieve()[0]:
                break
            self._position += 1
        count = self._position
        self._rewind()
        return count

    def read(self, indices):
        """Yields `(index, frame)` of increasing frame indices, as BGR."""
        if indices and indices[0] < self._position:
            self._rewind()
        for index in indices:
            # Frames are passed over one by one. Seeking depends on time
            # stamps, and is wrong for variable frame rates.
            while self._position <= index:
                if not self._capture.grab():
                    raise VideoReadError(
                        self.path,
                        f"it has {self.num_frames} frames, of which only "
                        f"{self._position} can be decoded",
                    )
                self._position += 1
            is_decoded, frame = self._capture.retrieve()
            if not is_decoded or frame is None:
                raise VideoReadError(
                    self.path, f"frame {index} can't be decoded"
                )
            yield index, frame

    def close(self):
        """Closes the file."""
        self._capture.release()

    def _count(self):
        count = self.header_num_frames or 0
        suffix = os.path.splitext(self.path)[1].lower()
        if suffix not in _SUFFIXES_WITH_FRAME_COUNT or not count:
            self._rewind()
            while self._capture.grab():
                self._position += 1
            count = self._position
        if not count:
            raise VideoReadError(self.path, "it has no frames")
        return count

    def _get(self, name):
        cv2 = _import_cv2()
        return self._capture.get(getattr(cv2, f"CAP_PROP_{name}"))

    def _rewind(self):
        if self._position > 0:
            self._capture.release()
            self._capture = self._open()
            self._position = 0

    def _open(self):
        cv2 = _import_cv2()
        try:
            is_empty = os.path.getsize(self.path) == 0
        except OSError as error:
            reason = error.strerror or str(error)
            raise VideoReadError(self.path, reason) from error
        if is_empty:
            raise VideoReadError(self.path, "the file is empty")
        # One thread: loaders read many videos at once, and starting and
        # feeding threads costs small videos several times their decoding.
        capture = cv2.VideoCapture(
            self.path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]
        )
        if not capture.isOpened():
            raise VideoReadError(
                self.path, "it holds no video that OpenCV can decode"
            )
        return capture


def _import_cv2():
    # FFmpeg prints the faults of a file on the standard error stream of the
    # whole process. They are raised as errors instead.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    import cv2

    return cv2
