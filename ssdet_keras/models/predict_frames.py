"""Prediction on videos of any length."""

import numpy as np

from ssdet_keras.data.stitch_windows import find_window_starts
from ssdet_keras.data.stitch_windows import stitch_windows


def predict_frames(model, frames, window=128, overlap=None):
    """Returns the logits of every frame of one video in memory.

    A video that is longer than `window` is cut into overlapping windows, whose
    logits are blended as by `ssdet_keras.data.stitch_windows`, so that the
    memory of the model is bounded. `FrameDetector.detect` bounds that of the
    frames as well, and tells how windows differ from one pass.

    Args:
        model: `FrameDetector`, or any object with `predict_on_batch`.
        frames: Array of shape `(frames, height, width, 3)`.
        window: Integer. Longest part that the model sees at once.
        overlap: Integer below `window`. Frames that two windows share; the
            last window ends with the video, and shares more. Defaults to a
            quarter of the window.

    Returns:
        Float32 array of shape `(frames, classes)`.

    Raises:
        ValueError: If `overlap` is not in `[0, window - 1]`, or if there are no
            frames.
    """
    if len(frames) == 0:
        raise ValueError("`frames` must not be empty. Received: 0 frames")
    if overlap is None:
        overlap = window // 4
    starts = find_window_starts(len(frames), window, overlap)
    windows = ((start, frames[start : start + window]) for start in starts)
    return predict_windows(model, windows, overlap)


def predict_windows(model, windows, overlap):
    """Returns the blended logits of windows over one video.

    The margin that is left out at the borders of a window is half of the
    receptive field of the backbone, where the overlap has room for it.

    Args:
        model: `FrameDetector`, or any object with `predict_on_batch`.
        windows: Iterable of `(start, frames)`, as `VideoWindows` gives them.
        overlap: Integer. Frames that two windows share, at least.

    Returns:
        Float32 array of shape `(frames, classes)`.
    """
    backbone = getattr(model, "backbone", None)
    margin = find_margin(backbone, overlap)
    return stitch_windows(
        (
            (start, model.predict_on_batch(frames[None])[0])
            for start, frames in windows
        ),
        margin,
    )


def find_margin(backbone, overlap):
    """Returns the frames at the border of a window that are left out.

    Args:
        backbone: Object with a `receptive_field`, or any other.
        overlap: Integer. Frames that two windows share, at least.

    Returns:
        Half of the receptive field, where the overlap has room for it, or
        `None`.
    """
    receptive_field = getattr(backbone, "receptive_field", None)
    if receptive_field is None or receptive_field > overlap:
        return None
    return receptive_field // 2


def upsample_to_frames(logits, frame_indices, num_frames):
    """Interpolates logits linearly to every frame of a video.

    Args:
        logits: Array of shape `(steps, classes)`.
        frame_indices: Integers of shape `(steps,)`, in order: the frames that
            the logits belong to.
        num_frames: Integer. Frames after the last index repeat its logits.

    Returns:
        Float32 array of shape `(num_frames, classes)`.
    """
    logits = np.asarray(logits, "float32")
    frames = np.arange(num_frames)
    output = np.empty((num_frames, logits.shape[1]), "float32")
    # Class by class: the logits of a long video are large.
    for index, values in enumerate(logits.T):
        # The last logits stand for all frames after them. Of frames that are
        # shown more than once, the last logits count.
        output[:, index] = np.interp(frames, frame_indices, values)
    return output
