"""Animations from frames."""

import os

import numpy as np

from ssdet_keras.visualization.figures import check_frames

# The last frame stays for so many milliseconds before a GIF starts again.
_PAUSE = 1000
# Browsers show a GIF no faster, in frames per second.
_MAX_GIF_RATE = 50
# Pixels from which the colours of a GIF are chosen.
_NUM_SAMPLES = 2**18


def write_animation(path, frames, frames_per_second):
    """Writes frames as an animated GIF or an mp4 video.

    A GIF repeats forever, and rests on its last frame each time. Its 256
    colours are chosen once, so that no colour flickers.

    Args:
        path: String or path-like. File to write, ending in `.gif` or `.mp4`.
        frames: Uint8 array of shape `(frames, height, width, 3)`, RGB.
            Of an mp4, height and width must be even.
        frames_per_second: Float. Of a GIF, more than 50 are 50.

    Raises:
        ValueError: If the path has another ending, `frames` another shape or
            dtype, or `frames_per_second` is not positive.
        OSError: If the file can't be written.

    Example:

    ```python
    write_animation("frames.gif", frames, frames_per_second=6)
    ```
    """
    frames = check_frames("frames", frames)
    if not 0 < frames_per_second < np.inf:
        raise ValueError(
            "`frames_per_second` must be positive. "
            f"Received: frames_per_second={frames_per_second}"
        )
    writers = {".gif": _write_gif, ".mp4": _write_mp4}
    ending = os.path.splitext(path)[1].lower()
    if ending not in writers:
        raise ValueError(
            f"An animation must end in one of {list(writers)}. Received: "
            f"path={os.fspath(path)}"
        )
    writers[ending](os.fspath(path), frames, float(frames_per_second))


def _write_gif(path, frames, frames_per_second):
    from PIL import Image

    pixels = frames.reshape(1, -1, 3)
    samples = pixels[:, :: max(1, pixels.shape[1] // _NUM_SAMPLES)]
    palette = Image.fromarray(samples).quantize(
        256, method=Image.Quantize.FASTOCTREE
    )
    # Without dithering, which flickers and makes the file larger.
    images = [
        Image.fromarray(frame).quantize(
            palette=palette, dither=Image.Dither.NONE
        )
        for frame in frames
    ]
    # In milliseconds.
    duration = round(1000 / min(frames_per_second, _MAX_GIF_RATE))
    durations = [duration] * len(images)
    durations[-1] = max(duration, _PAUSE)
    images[0].save(
        path,
        save_all=True,
        append_images=images[1:],
        duration=durations,
        loop=0,
    )


def _write_mp4(path, frames, frames_per_second):
    import cv2

    height, width = frames.shape[1:3]
    if height % 2 or width % 2:
        raise ValueError(
            "The frames of an mp4 must have an even height and width. "
            f"Received: shape={frames.shape}"
        )
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    # Fails with a reason where the file can't be written. OpenCV gives none.
    with open(path, "wb"):
        pass
    writer = cv2.VideoWriter(path, codec, frames_per_second, (width, height))
    if not writer.isOpened():
        raise OSError(f"OpenCV can't write {path}")
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
