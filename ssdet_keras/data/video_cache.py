"""Decoded videos in memory."""

import threading

from ssdet_keras.data.video_file import VideoFile
from ssdet_keras.data.video_file import check_reader
from ssdet_keras.data.video_read_error import VideoReadError


class VideoCache:
    """Opens videos, and keeps small ones decoded, up to a number of bytes.

    Most of the time of drawing a clip from a small video goes into the frames
    before the clip. What fits is kept, and never given up for another video:
    each video is read once per epoch, so that the one that was used last is
    the one that is needed last.

    A video that can't be decoded in full is not kept: clips of its readable
    part can still be drawn.

    Args:
        max_bytes: Integer. Number of bytes of the decoded frames.
        reader: String, as for `VideoFile`.

    Raises:
        ValueError: If `max_bytes` is negative, or the reader is unknown.
    """

    def __init__(self, max_bytes, reader="opencv"):
        if max_bytes < 0:
            raise ValueError(
                "`max_bytes` must not be negative. "
                f"Received: max_bytes={max_bytes}"
            )
        check_reader(reader)
        self.max_bytes = max_bytes
        self.reader = reader
        self._num_bytes = 0
        self._videos = {}
        self._num_frames = {}
        self._undecodable = set()
        self._lock = threading.Lock()

    def __len__(self):
        return len(self._videos)

    def open(self, path, fps=None):
        """Returns a `VideoFile`, from memory where it is kept.

        Args:
            path: String. The file or folder.
            fps: Float or `None`, as for `VideoFile`.
        """
        video = self._videos.get((path, fps))
        if video is not None:
            return video
        # Some formats must be decoded to count their frames: only once.
        video = VideoFile(path, fps, self._num_frames.get(path), self.reader)
        self._num_frames[path] = video.num_frames
        if self._num_bytes >= self.max_bytes or path in self._undecodable:
            return video
        num_bytes = 3 * video.num_frames * video.height * video.width
        with self._lock:
            if self._num_bytes + num_bytes > self.max_bytes:
                return video
            self._num_bytes += num_bytes
        try:
            video.load()
        except VideoReadError:
            self._undecodable.add(path)
            video = VideoFile(path, fps, self._num_frames[path], self.reader)
        with self._lock:
            is_kept = path not in self._undecodable
            if is_kept and (path, fps) not in self._videos:
                self._videos[path, fps] = video
            else:
                self._num_bytes -= num_bytes
        return video

    def __getstate__(self):
        # Another process starts with an empty cache, not with a copy.
        return {"max_bytes": self.max_bytes, "reader": self.reader}

    def __setstate__(self, state):
        self.__init__(**state)
