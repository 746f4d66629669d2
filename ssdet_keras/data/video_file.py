"""Reading the frames of videos."""

import os

import numpy as np

from ssdet_keras.data.capture_frames import CaptureFrames
from ssdet_keras.data.folder_frames import FolderFrames
from ssdet_keras.data.memory_frames import MemoryFrames
from ssdet_keras.data.pyav_frames import PyavFrames
from ssdet_keras.data.resize_frame import resize_frame
from ssdet_keras.data.video_read_error import VideoReadError

_READERS = {"opencv": CaptureFrames, "pyav": PyavFrames}


def check_reader(reader):
    """Raises a `ValueError` if `VideoFile` has no such reader."""
    if reader not in _READERS:
        raise ValueError(
            f"`reader` must be one of {list(_READERS)}. "
            f"Received: reader={reader!r}"
        )


class VideoFile:
    """A video on disk, of which any frames can be read.

    The video is a file in any format that OpenCV reads, or a folder of JPEG
    frames such as `7UPGT/7UPGT-000001.jpg`. The rotation that a file asks for
    is applied.

    Frames are numbered in the order in which they are shown, and what is read
    is exactly the frames of these numbers. Their times need not be regular.
    In `.mp4`, `.mov`, `.mkv` and `.webm` files, and in `.avi` files of key
    frames alone, decoding starts at a key frame before the frame that is
    wanted. Elsewhere time stamps can't be relied on, and it starts at the
    first frame.

    Args:
        path: String or path. The file or folder.
        fps: Float or `None`. Frames per second. Defaults to what the file
            says. For a folder, that is the number in its file `fps.txt`, or
            24, as of the Charades frames.
        num_frames: Integer or `None`. The number of frames of a file, if it
            is known from before, so that it need not be counted again.
        reader: `"opencv"`, or `"pyav"` for PyAV, which must be installed. It
            reads the same frames, and AV1 and interlaced video too. OpenCV 5
            as it is packaged can't decode the one, and gives wrong pictures
            of the other without telling.

    Raises:
        VideoReadError: If the video is missing, empty or not a video.
        ImportError: If PyAV is asked for, and is not installed.
        ValueError: If `fps` is not positive, or the reader is unknown.

    Example:

    ```python
    video = ssdet_keras.data.VideoFile("pancake.mp4")
    video.num_frames, video.fps, video.duration
    frames = video.read([0, 5, 10], size=(224, 224))  # (3, 224, 224, 3)
    ```
    """

    def __init__(self, path, fps=None, num_frames=None, reader="opencv"):
        if fps is not None and not 0 < fps < float("inf"):
            raise ValueError(f"`fps` must be positive. Received: fps={fps}")
        check_reader(reader)
        self.path = os.fspath(path)
        if os.path.isdir(self.path):
            self._frames = FolderFrames(self.path)
        else:
            self._frames = _READERS[reader](self.path, num_frames)
        self.fps = float(fps or self._frames.fps)

    @property
    def num_frames(self):
        """Number of frames.

        Of `.mp4` and `.mov` files the header tells it, and of `.mkv`, `.webm`
        and `.avi` files the packets, without decoding them. Others, those
        that show a part of what they store, and VP8 are decoded once to count.

        Of a file that was cut off, it is the number of frames that it had.
        Those that are missing can't be read.
        """
        return self._frames.num_frames

    @property
    def header_num_frames(self):
        """Number of frames that the header tells, or `None`.

        It costs nothing, and may be wrong: `num_frames` is not.
        """
        return self._frames.header_num_frames

    @property
    def times(self):
        """Times in seconds at which the frames are shown, or `None`.

        A float64 array of shape `(num_frames,)`, from 0 of the first frame.
        It is `None` where the file does not tell, or can't be relied on.
        """
        return self._frames.times

    @property
    def duration(self):
        """Length in seconds."""
        return self.num_frames / self.fps

    @property
    def height(self):
        """Height of the frames in pixels."""
        return self._frames.height

    @property
    def width(self):
        """Width of the frames in pixels."""
        return self._frames.width

    @property
    def rotation(self):
        """Degrees, clockwise, by which frames are turned: 0, 90, 180 or 270."""
        return self._frames.rotation

    @property
    def codec(self):
        """What the reader calls it, as `"h264"`. Of a folder, `"frames"`."""
        return self._frames.codec

    def count_decodable_frames(self):
        """Decodes everything, and returns the number of frames.

        It is less than `num_frames` if the file is damaged.
        """
        return self._frames.count_decodable_frames()

    def read(self, indices, size=None, box=None, past_end="error"):
        """Reads frames.

        Args:
            indices: Sequence of integers. Frame indices from 0, in any order,
                with or without repetitions.
            size: Tuple `(height, width)` or `None`. Resizes each frame, by
                averaging areas if neither side grows, and otherwise by
                bilinear interpolation.
            box: Tuple `(top, left, height, width)` or `None`, in pixels.
                Crops each frame, before it is resized.
            past_end: `"error"`, or `"repeat"` to read the last frame for
                indices past the end.

        Returns:
            A uint8 array of shape `(len(indices), height, width, 3)`, RGB.

        Raises:
            VideoReadError: If a frame can't be decoded, or is past the end.
            ValueError: If an index is negative or not an integer, the box is
                not inside the frame, or the size is not positive.
        """
        import cv2

        indices = self._check_indices(indices, past_end)
        top, left, height, width = self._check_box(box)
        out_height, out_width = self._check_size(size, height, width)

        frames = np.empty((len(indices), out_height, out_width, 3), np.uint8)
        wanted, places = np.unique(indices, return_inverse=True)
        for place, frame in enumerate(self._decode(wanted.tolist())):
            frame = frame[top : top + height, left : left + width]
            frame = resize_frame(frame, out_height, out_width)
            first, *others = np.flatnonzero(places == place)
            cv2.cvtColor(frame, cv2.COLOR_BGR2RGB, dst=frames[first])
            frames[others] = frames[first]
        return frames

    def read_blocks(self, num_frames, size=None):
        """Yields all frames, a block of successive ones at a time.

        Args:
            num_frames: Integer. Frames of a block; the last one may have
                fewer.
            size: See `read`.

        Yields:
            What `read` returns.

        Raises:
            VideoReadError: If a frame can't be decoded.
        """
        for start in range(0, self.num_frames, num_frames):
            end = min(start + num_frames, self.num_frames)
            yield self.read(range(start, end), size=size)

    def load(self):
        """Decodes all frames into memory, from which they are then read.

        Raises:
            VideoReadError: If a frame can't be decoded.
        """
        shape = (self.num_frames, self.height, self.width, 3)
        frames = np.empty(shape, np.uint8)
        for index, frame in enumerate(self._decode(range(self.num_frames))):
            frames[index] = frame
        loaded = MemoryFrames(frames, self._frames)
        self._frames.close()
        self._frames = loaded

    def close(self):
        """Closes the file."""
        self._frames.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def _decode(self, indices):
        """Yields the frames of increasing indices, as BGR."""
        for index, frame in self._frames.read(indices):
            if frame.shape != (self.height, self.width, 3):
                raise VideoReadError(
                    self.path,
                    f"frame {index} has {frame.shape[0]} x {frame.shape[1]} "
                    f"pixels, not {self.height} x {self.width}",
                )
            yield frame

    def _check_indices(self, indices, past_end):
        if past_end not in ("error", "repeat"):
            raise ValueError(
                '`past_end` must be "error" or "repeat". '
                f"Received: past_end={past_end!r}"
            )
        indices = np.asarray(indices)
        if indices.size == 0:
            indices = indices.astype("int64")
        if indices.ndim != 1 or indices.dtype.kind not in "iu":
            raise ValueError(
                "`indices` must be a sequence of integers. "
                f"Received: indices={indices}"
            )
        if indices.size and indices.min() < 0:
            raise ValueError(
                f"Frame indices must not be negative. Received: {indices.min()}"
            )
        if indices.size and indices.max() >= self.num_frames:
            if past_end == "error":
                raise VideoReadError(
                    self.path,
                    f"frame {indices.max()} was asked for, but it has "
                    f"{self.num_frames} frames",
                )
            indices = np.minimum(indices, self.num_frames - 1)
        return indices

    def _check_box(self, box):
        if box is None:
            return 0, 0, self.height, self.width
        top, left, height, width = (int(value) for value in box)
        if (
            min(top, left) < 0
            or min(height, width) < 1
            or top + height > self.height
            or left + width > self.width
        ):
            raise ValueError(
                "`box` must be (top, left, height, width) inside the frame of "
                f"{self.height} x {self.width} pixels. Received: box={box}"
            )
        return top, left, height, width

    def _check_size(self, size, height, width):
        if size is None:
            return height, width
        height, width = (int(value) for value in size)
        if min(height, width) < 1:
            raise ValueError(
                "`size` must be (height, width) in pixels. "
                f"Received: size={size}"
            )
        return height, width
