"""Videos in a form that browsers play."""

import os
import tempfile
from typing import NamedTuple

import numpy as np

from ssdet_keras.data.frame_writers import FFmpegWriter
from ssdet_keras.data.frame_writers import OpenCVWriter
from ssdet_keras.data.frame_writers import has_ffmpeg
from ssdet_keras.data.prepare_video import small_size

_MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",
    ".webm": "video/webm",
}
# As OpenCV and PyAV call those that all browsers decode.
_CODECS = (
    *("h264", "avc1", "avc3"),
    *("vp8", "vp80", "vp9", "vp90", "vp09"),
    *("av1", "av01"),
)
# Seconds by which a frame may be shown beside its time.
_TOLERANCE = 0.1
_SHORT_SIDE = 360
_KEY_FRAME_INTERVAL = 48
_FRAMES_AT_ONCE = 64


class PlayableVideo(NamedTuple):
    """A video for a page, by `read_playable_video`.

    Attributes:
        path: String. The file or folder that it is made of.
        media_type: String, as `"video/mp4"`, or `None` if it can't be played.
        content: Bytes of a video file, or `None` if it is too large.
        is_copy: Boolean. Whether the content is a small copy, without sound.
        is_regular: Boolean. Whether frame `i` is known to be shown at `i / fps`
            seconds after the first, within 0.1 s. Any content is.
    """

    path: str
    media_type: str | None
    content: bytes | None
    is_copy: bool
    is_regular: bool


def read_playable_video(video, max_bytes=50_000_000):
    """Reads a video in a form that browsers play, to put it into a page.

    Frame `i` of the content is shown at `i / video.fps`, within 0.1 s.

    -   A file that browsers play is taken as it is, with its sound: `.mp4`,
        `.m4v`, `.mov` and `.webm` with H.264, VP8, VP9 or AV1.
    -   Of others, those that are too large, and those whose frame rate
        varies, a copy is made, of at most 360 pixels in height or width and
        without sound: H.264 by the program `ffmpeg` where it is installed, and
        otherwise VP8 by OpenCV, which is slower and several times as large.
    -   If the copy is too large, too, there is no content. The file is then
        to be played from where it is.

    A long video takes as long as decoding it. A copy is given up once it is
    too large.

    Args:
        video: `VideoFile`.
        max_bytes: Integer. Most bytes of the content. Defaults to 50 million,
            about 20 minutes of a copy in H.264.

    Returns:
        `PlayableVideo`, a tuple
        `(path, media_type, content, is_copy, is_regular)`.

    Raises:
        VideoReadError: If a frame can't be read.
        OSError: If the copy can't be written.
        ValueError: If `max_bytes` is not positive.

    Example:

    ```python
    with ssdet_keras.data.VideoFile("pancake.avi") as video:
        playable = ssdet_keras.data.read_playable_video(video)
    playable.media_type  # "video/mp4"
    ```
    """
    if max_bytes <= 0:
        raise ValueError(
            f"`max_bytes` must be positive. Received: max_bytes={max_bytes}"
        )
    media_type = _media_type(video)
    is_regular = _is_regular(video)
    if media_type and is_regular and os.path.getsize(video.path) <= max_bytes:
        with open(video.path, "rb") as file:
            content = file.read()
        return PlayableVideo(video.path, media_type, content, False, True)
    copy_type, content = _copy(video, max_bytes)
    if content is not None:
        return PlayableVideo(video.path, copy_type, content, True, True)
    return PlayableVideo(video.path, media_type, None, False, is_regular)


def _media_type(video):
    """Returns the media type of a file that browsers play, or `None`."""
    if video.codec.lower() not in _CODECS:
        return None
    return _MEDIA_TYPES.get(os.path.splitext(video.path)[1].lower())


def _is_regular(video):
    times = video.times
    if times is None:
        return False
    regular = np.arange(video.num_frames) / video.fps
    return np.abs(times - regular).max() <= _TOLERANCE


def _copy(video, max_bytes):
    """Returns the media type and the bytes, `None` if they are too many."""
    size = small_size(video.height, video.width, _SHORT_SIDE)
    with tempfile.TemporaryDirectory() as folder:
        if has_ffmpeg():
            media_type, path = "video/mp4", os.path.join(folder, "copy.mp4")
            writer = FFmpegWriter(path, video.fps, *size, _KEY_FRAME_INTERVAL)
        else:
            media_type, path = "video/webm", os.path.join(folder, "copy.webm")
            writer = OpenCVWriter(path, video.fps, *size, codec="VP80")
        with writer:
            for frames in video.read_blocks(_FRAMES_AT_ONCE, size=size):
                writer.write(frames)
                if os.path.exists(path) and os.path.getsize(path) > max_bytes:
                    return media_type, None
        if os.path.getsize(path) > max_bytes:
            return media_type, None
        with open(path, "rb") as file:
            return media_type, file.read()
