"""Videos in the form that training reads fastest."""

import os
import tempfile

from ssdet_keras.data.frame_writers import FolderWriter
from ssdet_keras.data.frame_writers import open_mp4_writer
from ssdet_keras.data.video_file import VideoFile

FORMATS = ("mp4", "frames")
# Targets grow in folders of such names until they are complete.
UNFINISHED_PREFIX = ".unfinished-"

_FRAMES_AT_ONCE = 64


def prepare_video(
    source,
    target,
    short_side=256,
    format="mp4",
    key_frame_interval=16,
    fps=None,
):
    """Writes a small copy of a video that is fast to read clips from.

    The copy has exactly the frames that `VideoFile` reads of the source, in
    their order and at its frame rate, so that annotations in seconds or in
    frames fit both. Its rotation is applied, and sound is left out. A reader
    of a clip decodes from the key frame before it: key frames are close
    together here, and lie seconds apart in videos of the web.

    An mp4 file is encoded as H.264 by the program `ffmpeg` where it is
    installed, and otherwise as MPEG-4 by OpenCV, whose files are larger, with
    a key frame every 12 frames.

    The target appears when it is complete.

    Args:
        source: String or path. A video file, or a folder of JPEG frames.
        target: String or path. The file or folder to write. Its parent must
            exist.
        short_side: Integer, even. Frames are shrunk to this height or width,
            whichever is smaller; they are never enlarged. Defaults to `256`.
        format: `"mp4"`, or `"frames"` for a folder of files
            `ID/ID-000001.jpg`, as `Charades_v1_rgb` has them, with the frame
            rate in `ID/fps.txt`. Defaults to `"mp4"`.
        key_frame_interval: Integer. Frames from one key frame of an mp4 file
            to the next. Defaults to `16`.
        fps: Float or `None`. Frames per second of the source. Defaults to
            what `VideoFile` tells.

    Returns:
        The number of frames.

    Raises:
        VideoReadError: If a frame of the source can't be read.
        OSError: If the target can't be written.
        ValueError: If an argument is out of its range.

    Example:

    ```python
    ssdet_keras.data.prepare_video("videos/7UPGT.mp4", "small/7UPGT.mp4")
    ```
    """
    check_preparation(short_side, format, key_frame_interval)
    target = os.fspath(target)
    folder, name = os.path.split(target)
    with (
        VideoFile(source, fps=fps) as video,
        tempfile.TemporaryDirectory(
            prefix=unfinished_prefix(name), dir=folder or "."
        ) as unfinished,
    ):
        size = small_size(video.height, video.width, short_side)
        part = os.path.join(unfinished, name)
        with _open_writer(
            part, format, video.fps, size, key_frame_interval
        ) as writer:
            for frames in video.read_blocks(_FRAMES_AT_ONCE, size=size):
                writer.write(frames)
        os.replace(part, target)
        return video.num_frames


def check_preparation(short_side, format, key_frame_interval):
    """Raises a `ValueError` if an argument is out of its range."""
    if short_side < 2 or short_side % 2:
        # Encoders halve the resolution of the colours.
        raise ValueError(
            "`short_side` must be even and positive. "
            f"Received: short_side={short_side}"
        )
    if format not in FORMATS:
        raise ValueError(
            f"`format` must be one of {FORMATS}. Received: format={format!r}"
        )
    if key_frame_interval < 1:
        raise ValueError(
            "`key_frame_interval` must be positive. "
            f"Received: key_frame_interval={key_frame_interval}"
        )


def small_size(height, width, short_side):
    """Returns the even height and width of the copy."""
    scale = min(1.0, short_side / min(height, width))
    return tuple(
        max(2, 2 * round(side * scale / 2)) for side in (height, width)
    )


def unfinished_prefix(name):
    """Returns what the folder of an unfinished target begins with."""
    return f"{UNFINISHED_PREFIX}{name}-"


def _open_writer(path, format, fps, size, key_frame_interval):
    if format == "frames":
        return FolderWriter(path, fps)
    return open_mp4_writer(path, fps, *size, key_frame_interval)
