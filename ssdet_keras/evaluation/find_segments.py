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
# Seconds that rounding may add to a duration.
_ROUNDING = 1e-6


def find_segments(
    scores,
    times=None,
    fps=None,
    threshold=0.5,
    low_threshold=None,
    min_duration=0,
    max_gap=0,
    thresholds=None,
):
    """Finds the stretches in which scores reach a threshold.

    A segment has a frame that reaches `threshold`, and goes on to both sides
    while frames reach `low_threshold`. Segments of a class that are at most
    `max_gap` apart become one; then those shorter than `min_duration` are left
    out:

        scores                          .2 .4 .8 .9 .4 .1 .7 .3
        threshold=0.6                         ^^^^^       ^^
        threshold=0.6, low=0.4             ^^^^^^^^^^^    ^^
        threshold=0.6, low=0.4, gap 1      ^^^^^^^^^^^^^^^^^

    A frame lasts until the next one, the last frame as long as the one before
    it.

    Args:
        scores: Array of shape `(frames, classes)`.
        times: Array of shape `(frames,)`, ascending. Time of each frame in
            seconds.
        fps: Float. Frames per second, in place of `times`.
        threshold: Float, or array of shape `(classes,)`. Score that at least
            one frame of a segment reaches. Defaults to `0.5`.
        low_threshold: Float, or array of shape `(classes,)`, at most
            `threshold`. Least score of the frames of a segment. Defaults to
            `threshold`.
        min_duration: Float. Shorter segments are left out, in seconds.
            Defaults to `0`.
        max_gap: Float. Longest gap that is closed, in seconds. Defaults to
            `0`, which closes none.
        thresholds: Sequence of floats, or `None`. In place of `threshold`:
            finds the segments of each of them, which overlap. They are
            proposals, of which `suppress_segments` keeps the best.

    Returns:
        A list of `DetectedSegment`, tuples `(class_index, start, end, score)`
        with times in seconds and the mean score, gaps included, by start,
        class and end.

    Raises:
        ValueError: If `scores` has another rank or holds NaN, if not exactly
            one of `times` and `fps` is given, if `times` does not ascend or
            fit, if `low_threshold` exceeds `threshold` or is given beside
            `thresholds`, or if another argument is out of range.

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
    if not min_duration >= 0 or not max_gap >= 0:
        raise ValueError(
            "`min_duration` and `max_gap` must not be negative. Received: "
            f"min_duration={min_duration}, max_gap={max_gap}"
        )
    pairs = _pair_thresholds(
        threshold, low_threshold, thresholds, scores.shape[1]
    )
    edges = _get_edges(len(scores), times, fps)
    runs = set()
    for high, low in pairs:
        for run in _merge(_find_runs(scores, high, low), edges, max_gap):
            _, first, last = run
            if edges[last] - edges[first] >= min_duration - _ROUNDING:
                runs.add(run)
    segments = [
        DetectedSegment(
            class_index,
            float(edges[first]),
            float(edges[last]),
            float(scores[first:last, class_index].mean(dtype="float64")),
        )
        for class_index, first, last in runs
    ]
    return sorted(segments, key=lambda x: (x.start, x.class_index, x.end))


def _pair_thresholds(threshold, low_threshold, thresholds, num_classes):
    """Returns a list of pairs of the high and the low threshold."""
    if thresholds is not None:
        if low_threshold is not None:
            raise ValueError(
                "Only one of `low_threshold` and `thresholds` must be given. "
                f"Received: low_threshold={low_threshold}, "
                f"thresholds={thresholds}"
            )
        if np.ndim(thresholds) != 1 or not len(thresholds):
            raise ValueError(
                "`thresholds` must be a sequence of numbers. Received: "
                f"thresholds={thresholds}"
            )
        return [(value, value) for value in thresholds]
    low_threshold = threshold if low_threshold is None else low_threshold
    for name, value in (
        ("threshold", threshold),
        ("low_threshold", low_threshold),
    ):
        if np.shape(value) not in ((), (num_classes,)):
            raise ValueError(
                f"`{name}` must be a number or have one per class, "
                f"{num_classes}. Received: shape {np.shape(value)}"
            )
    if not np.all(np.asarray(low_threshold) <= threshold):
        raise ValueError(
            "`low_threshold` must not exceed `threshold`. Received: "
            f"low_threshold={low_threshold}, threshold={threshold}"
        )
    return [(threshold, low_threshold)]


def _find_runs(scores, high, low):
    """Returns tuples of class, first frame and end, by class and time."""
    is_active = np.pad(scores >= np.asarray(low), ((1, 1), (0, 0)))
    change = np.diff(is_active.astype("int8"), axis=0).T
    # Transposed, so that both lists are by class, then time, and match.
    classes, firsts = np.nonzero(change == 1)
    _, lasts = np.nonzero(change == -1)
    # Of each run, the number of frames that reach the high threshold.
    reached = np.pad(scores >= np.asarray(high), ((1, 0), (0, 0))).cumsum(0)
    is_kept = reached[lasts, classes] > reached[firsts, classes]
    columns = (x[is_kept].tolist() for x in (classes, firsts, lasts))
    return list(zip(*columns, strict=True))


def _merge(runs, edges, max_gap):
    """Returns runs without the gaps that are short enough."""
    if max_gap == 0:
        return runs
    merged = []
    for class_index, first, last in runs:
        if merged and merged[-1][0] == class_index:
            _, first_before, last_before = merged[-1]
            gap = edges[first] - edges[last_before]
            if gap <= max_gap + _ROUNDING:
                merged[-1] = (class_index, first_before, last)
                continue
        merged.append((class_index, first, last))
    return merged


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
    return np.append(times, times[-1:] + last_step)
