"""Prediction on videos of any length."""

import numpy as np

from ssdet_keras.data.stitch_windows import find_window_starts
from ssdet_keras.data.stitch_windows import stitch_windows


def predict_frames(model, frames, window=128, overlap=16):
    """Returns the logits of every frame of one video in memory.

    A video that is longer than `window` is cut into overlapping windows, whose
    logits are blended as by `ssdet_keras.data.stitch_windows`, so that the
    memory of the model is bounded. `ssdet_keras.data.VideoWindows` bounds that
    of the frames as well.

    Args:
        model: `FrameDetector`, or any callable with `predict_on_batch`.
        frames: Array of shape `(frames, height, width, 3)`.
        window: Integer. Longest part that the model sees at once.
        overlap: Integer below `window`. Frames that two windows share; the
            last window ends with the video, and shares more.

    Returns:
        Float32 array of shape `(frames, classes)`.

    Raises:
        ValueError: If `overlap` is not in `[0, window - 1]`, or if there are no
            frames.
    """
    if len(frames) == 0:
        raise ValueError("`frames` must not be empty. Received: 0 frames")
    return stitch_windows(
        (start, model.predict_on_batch(frames[start : start + window][None])[0])
        for start in find_window_starts(len(frames), window, overlap)
    )


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
    # The last logits stand for all frames after them. Of frames that are
    # shown more than once, the last logits count.
    steps = np.interp(
        np.arange(num_frames), frame_indices, np.arange(len(logits))
    )
    left = np.floor(steps).astype("int64")
    right = np.minimum(left + 1, len(logits) - 1)
    weight = (steps - left).astype("float32")[:, None]
    return logits[left] + weight * (logits[right] - logits[left])
