"""Frames of a video file, by OpenCV."""

import functools
import math
import os

import numpy as np

from ssdet_keras.data.indexed_frames import IndexedFrames
from ssdet_keras.data.video_read_error import VideoReadError

# Messages are at the start of a packet.
_HEADER_BYTES = 4096


class CaptureFrames(IndexedFrames):
    """Reads exact frames of a video file with OpenCV."""

    _frames_before_jump = 16

    def close(self):
        """Closes the file."""
        self._capture.release()

    def _open(self):
        cv2 = _import_cv2()
        self._capture = _open_capture(self.path)
        # Asked for with every frame.
        self._time_property = cv2.CAP_PROP_POS_MSEC
        if not self._capture.isOpened():
            raise VideoReadError(
                self.path, "it holds no video that OpenCV can decode"
            )
        get = self._capture.get
        self.fps = get(cv2.CAP_PROP_FPS)
        self.height = int(get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.width = int(get(cv2.CAP_PROP_FRAME_WIDTH))
        self.rotation = int(get(cv2.CAP_PROP_ORIENTATION_META)) % 360
        count = int(get(cv2.CAP_PROP_FRAME_COUNT))
        self.header_num_frames = count if count > 0 else None
        code = int(get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little")
        self.codec = code.decode("latin-1").strip("\0 ")

    def _grab(self):
        return self._capture.grab()

    def _time(self):
        return self._capture.get(self._time_property)

    def _seconds_per_time(self):
        return 1e-3

    def _retrieve(self):
        is_decoded, frame = self._capture.retrieve()
        return frame if is_decoded else None

    def _jump(self, key):
        # OpenCV goes to the last key frame that is at least 16 frames before
        # the given one, by the average frame rate, and counts up from there.
        number = math.ceil(self._index.times[key] / 1000 * self.fps)
        return self._capture.set(
            _import_cv2().CAP_PROP_POS_FRAMES, number + self._frames_before_jump
        )

    def _read_packets(self):
        state = os.stat(self.path)
        return _read_packets(self.path, state.st_size, state.st_mtime_ns)


# Loaders open the same videos again and again, and a long one takes a while.
@functools.lru_cache(maxsize=512)
def _read_packets(path, size, mtime):
    cv2 = _import_cv2()
    capture = _open_capture(path)
    times, is_key = [], []
    # Packets as they are in the file, none of them decoded.
    if capture.set(cv2.CAP_PROP_FORMAT, -1):
        while capture.grab():
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
            is_key.append(
                capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME)
                and not _refreshes_gradually(capture.retrieve()[1].tobytes())
            )
    capture.release()
    return np.array(times, "float64"), np.array(is_key, bool)


def _refreshes_gradually(packet):
    """Returns whether an H.264 packet only begins to renew the picture.

    With "intra refresh" there are no key frames. Packets are marked as such
    from which on a whole picture is renewed bit by bit. Their "recovery
    point", a message of type 6, tells how many frames that takes.
    """
    for unit in packet[:_HEADER_BYTES].split(b"\0\0\1")[1:]:
        # A unit of type 6 holds messages, each after its type and length.
        place = 1
        while unit[:1] == b"\x06" and place + 2 < len(unit):
            if unit[place] == 6:
                # A set first bit is the number 0.
                return unit[place + 2] < 128
            place += 2 + unit[place + 1]
    return False


def _open_capture(path):
    cv2 = _import_cv2()
    # One thread: loaders read many videos at once, and starting and feeding
    # threads costs small videos several times their decoding.
    return cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])


def _import_cv2():
    # OpenCV and FFmpeg print the faults of a file on the standard error
    # stream of the whole process. They are raised as errors instead.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    import cv2

    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2
