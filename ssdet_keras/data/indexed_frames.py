"""Exact frames of a video file, whatever decodes it."""

import abc
import math
import os

import numpy as np

from ssdet_keras.data.container import is_cut_off_avi
from ssdet_keras.data.container import read_container
from ssdet_keras.data.frame_index import FrameIndex
from ssdet_keras.data.mp4_header import read_mp4_header
from ssdet_keras.data.video_read_error import VideoReadError


class IndexedFrames(abc.ABC):
    """Reads frames by number, from the key frames before them.

    Frames are numbered in the order in which they are shown. Where the time
    stamps of the packets can be relied on, they tell the number of a frame
    that is decoded after a jump, and of one after a damaged frame. Otherwise
    frames are passed over one by one from the start.

    Args:
        path: String. The file.
        num_frames: Integer or `None`. Number of frames, if it is known.

    Attributes:
        fps: Float. Frames per second, on average.
        height: Integer, in pixels, after the rotation.
        width: Integer, in pixels, after the rotation.
        rotation: Integer. Degrees, clockwise, by which frames are turned.
        codec: String.
        header_num_frames: Integer or `None`. Number of frames that the header
            tells or lets guess.

    Raises:
        VideoReadError: If the file is not a readable video.
    """

    # A jump may end so many frames after a key frame.
    _frames_before_jump = 0

    def __init__(self, path, num_frames=None):
        self.path = path
        self._num_frames = num_frames
        # The number of the frame after the current one.
        self._position = 0
        self._has_jumped = False
        self._index = None
        self._is_index_read = False
        try:
            is_empty = os.path.getsize(path) == 0
        except OSError as error:
            reason = error.strerror or str(error)
            raise VideoReadError(path, reason) from error
        if is_empty:
            raise VideoReadError(path, "the file is empty")
        self._open()
        if min(self.height, self.width) <= 0:
            raise VideoReadError(path, self._end_reason())
        if not math.isfinite(self.fps) or self.fps <= 0:
            raise VideoReadError(path, "it has no frame rate")

    @property
    def num_frames(self):
        """Number of frames."""
        if self._num_frames is None:
            self._num_frames = self._count()
        if not self._num_frames:
            raise VideoReadError(self.path, "it has no frames")
        return self._num_frames

    @property
    def times(self):
        """Seconds from the first frame to each, or `None` if unknown."""
        index = self._read_index()
        if index is None or len(index) != self.num_frames:
            return None
        return (index.times - index.times[0]) * self._seconds_per_time()

    def read(self, indices):
        """Yields `(index, frame)` of increasing frame indices, as BGR."""
        if indices and indices[-1] > 0:
            self._read_index()
        for index in indices:
            self._move_to(index)
            frame = self._retrieve()
            if frame is None:
                raise VideoReadError(
                    self.path, f"frame {index} can't be decoded"
                )
            yield index, frame

    def count_decodable_frames(self):
        """Decodes everything, and returns the number of frames."""
        if self._position > 0:
            self._rewind()
        count = 0
        # Some faults show only when a frame is retrieved.
        while self._grab() and self._retrieve() is not None:
            count += 1
        self._rewind()
        return count

    @abc.abstractmethod
    def close(self):
        """Closes the file."""

    @abc.abstractmethod
    def _open(self):
        """Opens the file at its start, and sets the attributes."""

    @abc.abstractmethod
    def _grab(self):
        """Decodes the next frame. Returns whether there is one."""

    @abc.abstractmethod
    def _time(self):
        """Returns the time of the current frame."""

    @abc.abstractmethod
    def _seconds_per_time(self):
        """Returns the unit of the times of frames and packets."""

    @abc.abstractmethod
    def _retrieve(self):
        """Returns the current frame as BGR, or `None`."""

    @abc.abstractmethod
    def _jump(self, key):
        """Starts decoding at a key frame, and goes on from there.

        By up to `_frames_before_jump` frames. Returns whether there is a
        current frame then.
        """

    @abc.abstractmethod
    def _read_packets(self):
        """Returns the times, NaN if unknown, and key flags of all packets."""

    def _move_to(self, index):
        if self._index is not None:
            key = self._index.key_before(
                max(0, index - self._frames_before_jump)
            )
            is_behind = index < self._position - 1
            if key > self._position or (is_behind and key > 0):
                self._jump_to(key)
        if index < self._position - 1:
            self._rewind()
        while self._position <= index:
            if not self._step():
                self._fail_to_step()
        if self._position > index + 1:
            raise VideoReadError(self.path, f"frame {index} can't be decoded")

    def _step(self):
        """Goes to the next frame. Returns whether there is one."""
        if not self._grab():
            return False
        number = self._position
        if self._index is not None:
            number = self._index.find(self._time(), guess=number)
        if number is None or number < self._position:
            # The times can't be relied on after all.
            self._index = None
            self._rewind()
        else:
            self._position = number + 1
        return True

    def _fail_to_step(self):
        has_jumped, reason = self._has_jumped, self._end_reason()
        self._rewind()
        # A jump in a damaged file may have ended anywhere.
        if not has_jumped:
            raise VideoReadError(self.path, reason)

    def _jump_to(self, key):
        number = None
        if self._jump(key):
            number = self._index.find(self._time())
        if number is None:
            self._rewind()
        else:
            self._position = number + 1
            self._has_jumped = True

    def _rewind(self):
        self.close()
        self._open()
        self._position = 0
        self._has_jumped = False

    def _end_reason(self):
        if self._position == 0:
            return f"no frame can be decoded (its codec is {self.codec})"
        return (
            f"it has {self.num_frames} frames, of which only "
            f"{self._position} can be decoded"
        )

    def _count(self):
        header = read_mp4_header(self.path)
        if header is not None and not header.is_edited:
            return header.num_frames
        if read_container(self.path) == "avi":
            times, _ = self._read_packets()
            if len(times) == self.header_num_frames or is_cut_off_avi(
                self.path
            ):
                return self.header_num_frames
        elif self._read_index() is not None:
            return len(self._index)
        return self.count_decodable_frames()

    def _read_index(self):
        """Returns the `FrameIndex`, or `None` where times can't be relied on.

        Then the frames must be passed over one by one.
        """
        if not self._is_index_read:
            self._is_index_read = True
            self._index = self._make_index()
        return self._index

    def _make_index(self):
        kind = read_container(self.path)
        header = read_mp4_header(self.path)
        if kind is None or (header is not None and header.is_edited):
            return None
        if self.codec.lower() in ("vp8", "vp80"):
            # Some of its packets hold no frame to show.
            return None
        times, is_key = self._read_packets()
        if kind == "avi" and not is_key.all():
            # Its times are those of decoding, in another order.
            return None
        if (
            not len(times)
            or not is_key[0]
            or np.isnan(times).any()
            or len(np.unique(times)) < len(times)
        ):
            return None
        index = FrameIndex(times, is_key)
        if self._position > 0:
            self._rewind()
        if not self._grab():
            return None
        self._position = 1
        # Otherwise what precedes the first frame can't be decoded.
        return index if index.find(self._time()) == 0 else None
