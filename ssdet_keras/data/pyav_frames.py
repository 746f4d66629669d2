"""Frames of a video file, by PyAV."""

import collections
import functools
import itertools
import os

import numpy as np

from ssdet_keras.data.indexed_frames import IndexedFrames
from ssdet_keras.data.video_read_error import VideoReadError


class PyavFrames(IndexedFrames):
    """Reads exact frames of a video file with PyAV.

    On the way to a frame, those that no other frame is decoded from are left
    out: in most videos about half of them.

    Raises:
        ImportError: If PyAV is not installed.
    """

    # Times of the frames of an unfinished read. The others may be left out.
    _wanted = None

    def read(self, indices):
        """Yields `(index, frame)` of increasing frame indices, as BGR."""
        if self._wanted is not None:
            # Nobody took the last frames, some of which may be left out.
            self._wanted = None
            self._rewind()
        index = self._read_index() if indices else None
        times = [] if index is None else index.times
        self._wanted = {times[i] for i in indices if i < len(times)}
        self._last_wanted = max(self._wanted, default=0)
        yield from super().read(indices)
        self._wanted = None

    def close(self):
        """Closes the file."""
        self._decoded.clear()
        self._frame = None
        self._container.close()

    def _open(self):
        av = _import_av()
        self._frame = None
        # One for all frames: it takes longer to make than to use.
        self._reformatter = av.video.reformatter.VideoReformatter()
        self._decoded = collections.deque()
        self._awaits_key = False
        try:
            self._container = _open_container(self.path)
        except av.FFmpegError as error:
            raise self._not_a_video() from error
        if not self._container.streams.video:
            self._container.close()
            raise self._not_a_video()
        self._stream = self._container.streams.video[0]
        self._context = self._stream.codec_context
        if self._context is None:
            raise self._not_a_video()
        # One thread, as in `CaptureFrames`.
        self._context.thread_count = 1
        self._packets = self._container.demux(self._stream)
        self.codec = self._context.codec.canonical_name
        self.fps = float(self._stream.guessed_rate or 0)
        self.header_num_frames = self._stream.frames or None
        # The first frame tells the rotation. It is not taken yet.
        self.rotation, self.height, self.width = 0, 0, 0
        if self._grab():
            self._decoded.appendleft(self._frame)
            self.rotation = -self._frame.rotation % 360
            sides = self._frame.height, self._frame.width
            self.height, self.width = sides[:: -1 if self._is_turned() else 1]

    def _grab(self):
        av = _import_av()
        while not self._decoded:
            packet = next(self._packets, None)
            if packet is None:
                return False
            self._context.skip_frame = (
                "NONREF" if self._is_passed_over(packet) else "DEFAULT"
            )
            try:
                frames = self._context.decode(packet)
            except av.FFmpegError:
                # The index tells which frame is missing. Nothing else does.
                if self._index is None:
                    return False
                self._awaits_key = True
                continue
            for frame in frames:
                # Until then, frames are made of what is missing.
                self._awaits_key = self._awaits_key and not frame.key_frame
                if not self._awaits_key:
                    self._decoded.append(frame)
        self._frame = self._decoded.popleft()
        return True

    def _is_passed_over(self, packet):
        return (
            self._wanted
            and self._index is not None
            and packet.pts is not None
            and packet.pts not in self._wanted
            # What comes after may be wanted by the next read.
            and packet.pts < self._last_wanted
        )

    def _time(self):
        pts = self._frame.pts
        return np.nan if pts is None else float(pts)

    def _seconds_per_time(self):
        return float(self._stream.time_base)

    def _retrieve(self):
        av = _import_av()
        if self._frame.is_corrupt:
            return None
        try:
            # Bicubic, for the colours of half resolution, as OpenCV does it.
            frame = self._reformatter.reformat(
                self._frame, format="bgr24", interpolation="BICUBIC", threads=1
            ).to_ndarray()
        except av.FFmpegError:
            return None
        return np.ascontiguousarray(np.rot90(frame, -self.rotation // 90))

    def _jump(self, key):
        av = _import_av()
        time = int(self._index.times[key])
        self._decoded.clear()
        self._awaits_key = False
        try:
            self._container.seek(time, stream=self._stream)
            packets = self._container.demux(self._stream)
            first = next(packets)
        except (av.FFmpegError, StopIteration):
            return False
        self._packets = itertools.chain([first], packets)
        return (
            first.pts is not None
            and first.pts <= time
            and self._grab()
            # With "intra refresh", packets are marked as key frames that only
            # begin to renew the picture.
            and self._frame.pict_type == av.video.frame.PictureType.I
        )

    def _read_packets(self):
        state = os.stat(self.path)
        return _read_packets(self.path, state.st_size, state.st_mtime_ns)

    def _is_turned(self):
        return self.rotation in (90, 270)

    def _not_a_video(self):
        return VideoReadError(
            self.path, "it holds no video that PyAV can decode"
        )


# Loaders open the same videos again and again, and a long one takes a while.
@functools.lru_cache(maxsize=512)
def _read_packets(path, size, mtime):
    av = _import_av()
    times, is_key = [], []
    with _open_container(path) as container:
        try:
            for packet in container.demux(container.streams.video[0]):
                # The last packet, of no bytes, is not in the file.
                if packet.size:
                    times.append(np.nan if packet.pts is None else packet.pts)
                    is_key.append(packet.is_keyframe)
        except av.FFmpegError:
            # The file ends here.
            pass
    return np.array(times, "float64"), np.array(is_key, bool)


def _open_container(path):
    return _import_av().open(path, metadata_errors="ignore")


def _import_av():
    try:
        import av
    except ImportError as error:
        raise ImportError(
            '`reader="pyav"` needs PyAV: pip install av'
        ) from error
    return av
