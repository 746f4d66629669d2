"""Segments of activity from frame scores."""

import collections

import numpy as np

DetectedSegment = collections.namedtuple(
    "DetectedSegment", ["class_index", "start", "end", "score"]
)
DetectedSegment.__doc__ = """A stretch of a video in which a class is active.

Attributes:
    class_index: Integer.
    start: Float. In seconds.
    end: Float. In seconds.
    score: Float. Mean score of the frames.
"""


def find_segments(scores, times=None, fps=None, threshold=0.5, min_duration=0):
    """Finds the stretches in which scores reach a threshold.

    A frame lasts until the next one, the last frame as long as the one before
    it.

    Args:
        scores: Array of shape `(frames, classes)`.
        times: Array of shape `(frames,)`, ascending. Time of each frame in
            seconds.
        fps: Float. Frames per second, in place of `times`.
        threshold: Float, or array of shape `(classes,)`. Least score of a
            frame of a segment. Defaults to `0.5`.
        min_duration: Float. Shorter segments are left out, in seconds.
            Defaults to `0`.

    Returns:
        A list of `DetectedSegment`, tuples `(class_index, start, end, score)`
        with times in seconds and the mean score, by start and class.

    Raises:
        ValueError: If `scores` has another rank or holds NaN, if not exactly
            one of `times` and `fps` is given, if `times` does not ascend or
            fit, or if another argument is out of range.

    Example:

    ```python
    find_segments(np.array([[0.1], [0.9], [0.7], [0.2]]), fps=2.0)
    # [DetectedSegment(class_index=0, start=0.5, end=1.5, score=0.8)]
    ```
    """
    scores = np.asarray(scores)
    if scores.ndim != 2 or np.isnan(scores).any():
        raise ValueError(
            "`scores` must have the shape `(frames, classes)` and no NaN. "
            f"Received: scores.shape={scores.shape}, "
            f"{int(np.isnan(scores).sum())} NaN"
        )
    if not min_duration >= 0:
        raise ValueError(
            "`min_duration` must not be negative. Received: "
            f"min_duration={min_duration}"
        )
    if np.shape(threshold) not in ((), scores.shape[1:]):
        raise ValueError(
            "`threshold` must be a number or have one per class, "
            f"{scores.shape[1]}. Received: shape {np.shape(threshold)}"
        )
    if not len(scores):
        return []
    edges = _get_edges(len(scores), times, fps)

    is_active = scores >= np.asarray(threshold)
    padded = np.pad(is_active, ((1, 1), (0, 0))).astype("int8")
    change = np.diff(padded, axis=0).T
    # Transposed, so that both lists are by class, then time, and match.
    classes, firsts = np.nonzero(change == 1)
    _, lasts = np.nonzero(change == -1)
    segments = [
        DetectedSegment(
            int(class_index),
            float(edges[first]),
            float(edges[last]),
            float(scores[first:last, class_index].mean(dtype="float64")),
        )
        for class_index, first, last in zip(classes, firsts, lasts, strict=True)
        if edges[last] - edges[first] >= min_duration
    ]
    return sorted(segments, key=lambda segment: (segment.start, segment[0]))


def _get_edges(num_frames, times, fps):
    if (times is None) == (fps is None):
        raise ValueError(
            "Exactly one of `times` and `fps` must be given. Received: "
            f"times={times}, fps={fps}"
        )
    if times is None:
        if not 0 < fps < np.inf:
            raise ValueError(f"`fps` must be positive. Received: fps={fps}")
        return np.arange(num_frames + 1) / fps
    times = np.asarray(times, "float64")
    if times.shape != (num_frames,) or not (np.diff(times) > 0).all():
        raise ValueError(
            f"`times` must be {num_frames} ascending times. Received: "
            f"times={times}"
        )
    last_step = times[-1] - times[-2] if num_frames > 1 else 0.0
    return np.append(times, times[-1] + last_step)
