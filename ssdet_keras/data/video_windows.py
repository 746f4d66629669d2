"""Windows over whole videos."""

import contextlib

import numpy as np

from ssdet_keras.data.frame_sampling import FrameSampling
from ssdet_keras.data.geometry import centre_box
from ssdet_keras.data.stitch_windows import find_window_starts
from ssdet_keras.data.video_file import VideoFile
from ssdet_keras.data.video_record import VideoRecord


class VideoWindows:
    """Overlapping windows over a video of any length, for evaluation.

    Every frame is decoded once, and no more than a window and its successor
    are in memory. The frames are cropped and resized as those of a
    `ClipSource` that is not training, so that things are as large as a
    detector has learned them.

    Args:
        video: `VideoRecord`, path, or `VideoFile`, which stays open.
        window: Integer. Frames of a window. A shorter video is one window.
            Defaults to `128`.
        overlap: Integer below `window`. Frames that two windows share; the
            last window is moved back to end with the video, and shares more.
            Defaults to a quarter of the window.
        frame_stride: Integer. Frames of the video from one frame of a window
            to the next. Defaults to `5`, unless there is a `frame_rate`.
        frame_rate: Float or `None`. Frames of a window per second, in place
            of `frame_stride`: frame `k` is frame
            `round(k * fps / frame_rate)` of the video.
        size: Integer. Height and width of the frames. Defaults to `224`.
        crop_scale: Float in `(0, 1]`. Side of the centre crop, as a share of
            the short side. Defaults to `0.875`, which is 224 of 256 pixels.
        multiple: Integer. Windows begin at multiples of it, of which
            `window - overlap` must be one, for models that stride time; the
            last one may be shorter. Defaults to `1`.

    Attributes:
        num_frames: Integer. Number of frames of the video.
        fps: Float. Frames per second of the video.
        overlap: Integer. Frames that two windows share, at least.
        frame_indices: int64 array: the frames of the video that are in the
            windows, `T` in all.

    Returns:
        An iterable of `(start, frames)`: the place of the first frame of a
        window in `frame_indices`, and a uint8 array of shape
        `(min(T, window), size, size, 3)`.

    Raises:
        VideoReadError: If the video can't be read.
        ValueError: If an argument is out of its range.

    Example:

    ```python
    windows = ssdet_keras.data.VideoWindows(records[0])
    logits = ssdet_keras.data.stitch_windows(
        (start, detector.predict_on_batch(frames[None])[0])
        for start, frames in windows
    )
    ```
    """

    def __init__(
        self,
        video,
        window=128,
        overlap=None,
        frame_stride=None,
        frame_rate=None,
        size=224,
        crop_scale=0.875,
        multiple=1,
    ):
        sampling = FrameSampling(frame_stride, frame_rate)
        if size < 1:
            raise ValueError(f"`size` must be positive. Received: size={size}")
        if not 0 < crop_scale <= 1:
            raise ValueError(
                "`crop_scale` must be in the range (0, 1]. "
                f"Received: crop_scale={crop_scale}"
            )
        self._video = video
        self.num_frames = None
        with self._open() as file:
            self.num_frames = file.num_frames
            self.fps = file.fps
        self.frame_indices = sampling.indices_of_video(
            self.num_frames, self.fps
        )
        self.overlap = window // 4 if overlap is None else overlap
        self._starts = find_window_starts(
            len(self.frame_indices), window, self.overlap, multiple
        )
        self._window = window
        self._size = size
        self._crop_scale = crop_scale

    def __len__(self):
        return len(self._starts)

    def __iter__(self):
        with self._open() as file:
            size = (self._size, self._size)
            box = centre_box(file.height, file.width, self._crop_scale)
            first, frames = 0, np.empty((0, *size, 3), "uint8")
            for start in self._starts:
                end = first + len(frames)
                wanted = self.frame_indices[end : start + self._window]
                # Nothing else refers to a window, which would keep it.
                frames = _append(
                    frames[start - first :],
                    file.read(wanted, size=size, box=box),
                )
                first = start
                yield start, frames

    def _open(self):
        video = self._video
        if isinstance(video, VideoFile):
            return contextlib.nullcontext(video)
        if not isinstance(video, VideoRecord):
            return VideoFile(video, num_frames=self.num_frames)
        return VideoFile(video.path, fps=video.fps, num_frames=self.num_frames)


def _append(kept, read):
    return np.concatenate([kept, read]) if len(kept) else read
