"""Prediction on videos of any length."""

import numpy as np


def predict_frames(model, frames, window=128, overlap=16):
    """Returns the logits of every frame of one video.

    A video that is longer than `window` is cut into overlapping windows, which
    are blended linearly, so that memory is bounded:

        frames     0 1 2 3 4 5 6 7 8 9
        windows    a a a a a a              window=6, overlap=2
                           b b b b b b
        weight a   1 1 1 1 .7 .3
        weight b           .3 .7 1 1 1 1

    The last window is moved back to end with the video.

    Args:
        model: `FrameDetector`, or any callable with `predict_on_batch`.
        frames: Array of shape `(frames, height, width, 3)`.
        window: Integer. Longest part that the model sees at once.
        overlap: Integer below `window`. Frames that two windows share.

    Returns:
        Float32 array of shape `(frames, classes)`.

    Raises:
        ValueError: If `overlap` is not in `[0, window - 1]`, or if there are no
            frames.
    """
    if not 0 <= overlap < window:
        raise ValueError(
            "`overlap` must be at least 0 and less than `window`. "
            f"Received: overlap={overlap}, window={window}"
        )
    num_frames = len(frames)
    if num_frames == 0:
        raise ValueError("`frames` must not be empty. Received: 0 frames")
    if num_frames <= window:
        return np.asarray(model.predict_on_batch(frames[None])[0], "float32")

    last = num_frames - window
    starts = [*range(0, last, window - overlap), last]
    total, weights = None, np.zeros((num_frames, 1), "float32")
    for start in starts:
        shown = slice(start, start + window)
        logits = model.predict_on_batch(frames[shown][None])[0]
        if total is None:
            total = np.zeros((num_frames, logits.shape[-1]), "float32")
        weight = _window_weights(window, overlap, start > 0, start < last)
        total[shown] += weight * np.asarray(logits, "float32")
        weights[shown] += weight
    return total / weights


def _window_weights(window, overlap, rises, falls):
    weights = np.ones(window, "float32")
    ramp = (np.arange(overlap, dtype="float32") + 1) / (overlap + 1)
    if rises:
        weights[:overlap] = np.minimum(weights[:overlap], ramp)
    if falls:
        end = weights[window - overlap :]
        np.minimum(end, ramp[::-1], out=end)
    return weights[:, None]


def upsample_to_frames(logits, frame_indices, num_frames):
    """Interpolates logits linearly to every frame of a video.

    Args:
        logits: Array of shape `(steps, classes)`.
        frame_indices: Integers of shape `(steps,)`, increasing: the frames
            that the logits belong to.
        num_frames: Integer. Frames after the last index repeat its logits.

    Returns:
        Float32 array of shape `(num_frames, classes)`.
    """
    frames = np.arange(num_frames)
    right = np.searchsorted(frame_indices, frames, side="right")
    right = np.clip(right, 1, max(len(frame_indices) - 1, 1))
    if len(frame_indices) == 1:
        return np.repeat(np.asarray(logits, "float32"), num_frames, axis=0)
    left = right - 1
    frame_indices = np.asarray(frame_indices, "float64")
    width = frame_indices[right] - frame_indices[left]
    weight = np.clip((frames - frame_indices[left]) / width, 0.0, 1.0)[:, None]
    return ((1 - weight) * logits[left] + weight * logits[right]).astype(
        "float32"
    )
