"""Scores of a whole video from those of its windows."""

import numpy as np


def find_window_starts(num_frames, window, overlap, multiple=1):
    """Returns the first frame of each window over a video.

    The last window is moved back to end with the video. A video that is
    shorter than a window is one window.

    Args:
        num_frames: Integer. Frames of the video.
        window: Integer. Frames of a window.
        overlap: Integer below `window`. Frames that two windows share.
        multiple: Integer. Windows begin at multiples of it; the last one may
            then be shorter.

    Returns:
        List of integers.

    Raises:
        ValueError: If `overlap` is not in `[0, window - 1]`, or `window -
            overlap` is no multiple.
    """
    if not 0 <= overlap < window:
        raise ValueError(
            "`overlap` must be at least 0 and less than `window`. "
            f"Received: overlap={overlap}, window={window}"
        )
    if (window - overlap) % multiple:
        raise ValueError(
            f"`window - overlap` must be a multiple of {multiple}. "
            f"Received: overlap={overlap}, window={window}"
        )
    last = -(-max(0, num_frames - window) // multiple) * multiple
    return [*range(0, last, window - overlap), last]


def stitch_windows(windows, margin=None):
    """Blends the scores of overlapping windows.

    Near the borders of a window a model knows but one side of a frame. Of the
    frames that two windows share, those within `margin` of the border of a
    window are taken from the other one. Between the margins one window passes
    into the next one linearly, so that scores in which they agree are kept as
    they are:

        frames     0 1 2 3  4  5 6 7 8 9
        windows    a a a a  a  a            window=6, overlap=4, margin=1
                       b b  b  b b b
        weight a   1 1 1 .7 .3 0
        weight b       0 .3 .7 1 1 1

    Args:
        windows: Iterable of `(start, scores)` in the order of their starts:
            the first frame of a window, and an array of shape
            `(frames, classes)`. Each window begins not after the end of the
            one before it, and ends not before it.
        margin: Integer or `None`. At most half of the shared frames. Defaults
            to a quarter of them.

    Returns:
        Float32 array of shape `(frames, classes)`.

    Raises:
        ValueError: If there are no windows, if a frame is left out, or if
            `margin` is negative.

    Example:

    ```python
    scores = ssdet_keras.data.stitch_windows(
        (start, detector.predict_on_batch(frames[None])[0])
        for start, frames in ssdet_keras.data.VideoWindows(record)
    )
    ```
    """
    if margin is not None and margin < 0:
        raise ValueError(
            f"`margin` must not be negative. Received: margin={margin}"
        )
    pieces = list(blend_windows(windows, margin))
    if not pieces:
        raise ValueError("`windows` must not be empty. Received: none")
    return np.concatenate(pieces)


def blend_windows(windows, margin=None):
    """Yields what `stitch_windows` returns, a part as soon as it is done.

    No more than two windows are in memory.

    Args:
        windows: See `stitch_windows`.
        margin: See `stitch_windows`.

    Yields:
        Float32 array of shape `(frames, classes)`, for each window.
    """
    first, last = 0, None
    for start, scores in windows:
        scores = np.array(scores, "float32")
        if last is None:
            last = scores[:0]
        shared = first + len(last) - start
        if start < first or not 0 <= shared <= len(scores):
            raise ValueError(
                "Windows must be in order and leave no frame out. "
                f"Received: frames {start} to {start + len(scores)} after "
                f"frames {first} to {first + len(last)}"
            )
        # Frames before this window are done.
        if start > first:
            yield last[: start - first]
        weight = _fade_in(shared, margin)[:, None]
        before = last[start - first :]
        scores[:shared] = before + weight * (scores[:shared] - before)
        first, last = start, scores
    if last is not None:
        yield last


def _fade_in(shared, margin):
    """Returns the weight of the later window in the shared frames."""
    margin = shared // 4 if margin is None else min(margin, shared // 2)
    steps = shared - 2 * margin
    weight = (np.arange(shared, dtype="float32") - margin + 1) / (steps + 1)
    return np.clip(weight, 0, 1)
