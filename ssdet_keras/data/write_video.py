"""Videos from frames."""

import itertools
import os
import tempfile

import numpy as np

from ssdet_keras.data.frame_writers import open_mp4_writer
from ssdet_keras.data.prepare_video import UNFINISHED_PREFIX

_KEY_FRAME_INTERVAL = 48


def write_video(path, frames, fps):
    """Writes frames to an mp4 file, one after another, without sound.

    The video is H.264, which browsers play, where the program `ffmpeg` is
    installed, and otherwise MPEG-4, by OpenCV. No more than one frame is in
    memory. The file appears at `path` once it is complete.

    Args:
        path: String or path-like. File to write, ending in `.mp4`.
        frames: Iterable of uint8 arrays of shape `(height, width, 3)`, RGB, all
            of one even height and width.
        fps: Float. Frames per second.

    Raises:
        ValueError: If the path has another ending, `fps` is not positive, or
            frames are missing or of another shape or dtype.
        OSError: If the file can't be written.

    Example:

    ```python
    with ssdet_keras.data.VideoFile("pancake.mp4") as video:
        frames = (video.read([i])[0, :, ::-1] for i in range(video.num_frames))
        ssdet_keras.data.write_video("mirrored.mp4", frames, video.fps)
    ```
    """
    path = os.path.abspath(path)
    if not path.lower().endswith(".mp4"):
        raise ValueError(f"`path` must end in .mp4. Received: path={path}")
    if not 0 < fps < np.inf:
        raise ValueError(f"`fps` must be positive. Received: fps={fps}")
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("`frames` must not be empty. Received: none")
    shape = np.shape(first)
    _check_frame(first, shape)
    folder, name = os.path.split(path)
    with tempfile.TemporaryDirectory(
        prefix=UNFINISHED_PREFIX, dir=folder
    ) as part:
        unfinished = os.path.join(part, name)
        with open_mp4_writer(
            unfinished, float(fps), *shape[:2], _KEY_FRAME_INTERVAL
        ) as writer:
            for frame in itertools.chain([first], frames):
                _check_frame(frame, shape)
                writer.write(frame[None])
        os.replace(unfinished, path)


def _check_frame(frame, shape):
    if (
        frame.dtype != np.uint8
        or frame.shape != shape
        or len(shape) != 3
        or shape[0] % 2
        or shape[1] % 2
        or shape[2] != 3
    ):
        raise ValueError(
            "`frames` must be uint8, RGB, and of one even height and width. "
            f"Received: shape={frame.shape}, dtype={frame.dtype}, after "
            f"shape={shape}"
        )
