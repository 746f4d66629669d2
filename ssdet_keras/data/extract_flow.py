"""Videos of the optical flow of videos."""

import os
import tempfile

from ssdet_keras.data.compute_flow import compute_flow
from ssdet_keras.data.flow_pictures import encode_flow
from ssdet_keras.data.frame_writers import open_mkv_writer
from ssdet_keras.data.prepare_video import small_size
from ssdet_keras.data.prepare_video import unfinished_prefix
from ssdet_keras.data.video_file import VideoFile
from ssdet_keras.data.video_read_error import VideoReadError

# The smallest for which the flow can be found.
_MIN_SIDE = 16
_FRAMES_AT_ONCE = 64


def extract_flow(source, target, short_side=256, fps=None):
    """Writes the optical flow of a video as a video.

    It has as many frames as the source, at its frame rate, so that annotations
    in seconds or in frames fit both. Frame `k` is the picture that
    `encode_flow()` makes of the flow from frame `k` to frame `k + 1` of the
    source, see `compute_flow()`, and the last frame is as the one before it.

    The source is shrunk before its flow is found, in pixels of this size.

    An mkv file is written by the program `ffmpeg` where it is installed: H.264
    that keeps red and green apart, a key frame every 16 frames. Otherwise
    OpenCV writes it: FFV1, without any loss, of key frames alone, and ten times
    as large. Both are read by `VideoFile`, and few other players.

    The target appears when it is complete.

    Args:
        source: String or path. A video file, or a folder of JPEG frames.
        target: String or path. The file to write, ending in `.mkv`. Its folder
            must exist.
        short_side: Integer, even, at least 16. Frames are shrunk to this height
            or width, whichever is smaller; they are never enlarged. Defaults to
            `256`.
        fps: Float or `None`. Frames per second of the source. Defaults to what
            `VideoFile` tells.

    Returns:
        The number of frames.

    Raises:
        VideoReadError: If a frame of the source can't be read, or frames are
            smaller than 16 pixels.
        OSError: If the target can't be written.
        ValueError: If an argument is out of its range.

    Example:

    ```python
    ssdet_keras.data.extract_flow("videos/7UPGT.mp4", "flow/7UPGT.mkv")
    with ssdet_keras.data.VideoFile("flow/7UPGT.mkv") as video:
        flow = ssdet_keras.data.decode_flow(video.read([0]))
    ```
    """
    check_short_side(short_side)
    target = os.path.abspath(target)
    folder, name = os.path.split(target)
    if os.path.splitext(name)[1] != ".mkv":
        raise ValueError(
            f"`target` must end in .mkv. Received: target={target}"
        )
    with (
        VideoFile(source, fps=fps) as video,
        tempfile.TemporaryDirectory(
            prefix=unfinished_prefix(name), dir=folder
        ) as unfinished,
    ):
        size = small_size(video.height, video.width, short_side)
        if min(size) < _MIN_SIDE:
            raise VideoReadError(
                video.path,
                f"its frames of {video.height} x {video.width} pixels are too "
                "small for optical flow",
            )
        part = os.path.join(unfinished, name)
        frames = (
            frame
            for block in video.read_blocks(_FRAMES_AT_ONCE, size=size)
            for frame in block
        )
        with open_mkv_writer(part, video.fps, *size) as writer:
            for flow in compute_flow(frames):
                writer.write(encode_flow(flow)[None])
        os.replace(part, target)
        return video.num_frames


def check_short_side(short_side):
    """Raises a `ValueError` if it is out of its range."""
    if short_side < _MIN_SIDE or short_side % 2:
        raise ValueError(
            f"`short_side` must be even and at least {_MIN_SIDE}. "
            f"Received: short_side={short_side}"
        )
