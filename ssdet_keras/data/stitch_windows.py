"""Scores of a whole video from those of its windows."""

import numpy as np


def find_window_starts(num_frames, window, overlap):
    """Returns the first frame of each window over a video.

    The last window is moved back to end with the video. A video that is
    shorter than a window is one window.

    Args:
        num_frames: Integer. Frames of the video.
        window: Integer. Frames of a window.
        overlap: Integer below `window`. Frames that two windows share.

    Returns:
        List of integers.

    Raises:
        ValueError: If `overlap` is not in `[0, window - 1]`.
    """
    if not 0 <= overlap < window:
        raise ValueError(
            "`overlap` must be at least 0 and less than `window`. "
            f"Received: overlap={overlap}, window={window}"
        )
    last = max(0, num_frames - window)
    return [*range(0, last, window - overlap), last]


def stitch_windows(windows):
    """Blends the scores of overlapping windows.

    One window passes into the next one linearly over the frames that they
    share, so that scores in which they agree are kept as they are:

        frames     0 1 2 3 4 5 6 7 8 9
        windows    a a a a a a              window=6, overlap=2
                           b b b b b b
        weight a   1 1 1 1 .7 .3
        weight b           .3 .7 1 1 1 1

    Args:
        windows: Iterable of `(start, scores)` in the order of their starts:
            the first frame of a window, and an array of shape
            `(frames, classes)`. Each window begins not after the end of the
            one before it, and ends not before it.

    Returns:
        Float32 array of shape `(frames, classes)`.

    Raises:
        ValueError: If there are no windows, or a frame is left out.

    Example:

    ```python
    scores = ssdet_keras.data.stitch_windows(
        (start, detector.predict_on_batch(frames[None])[0])
        for start, frames in ssdet_keras.data.VideoWindows(record)
    )
    ```
    """
    pieces = []
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
        pieces.append(last[: start - first])
        weight = np.arange(1, shared + 1, dtype="float32") / (shared + 1)
        before = last[start - first :]
        scores[:shared] = before + weight[:, None] * (scores[:shared] - before)
        first, last = start, scores
    if last is None:
        raise ValueError("`windows` must not be empty. Received: none")
    return np.concatenate([*pieces, last])
