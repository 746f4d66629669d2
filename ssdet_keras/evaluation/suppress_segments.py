"""Non-maximum suppression of segments."""


def suppress_segments(segments, tiou=0.5):
    """Leaves out segments that overlap better ones of their class.

    Segments are taken by their score, the highest first. One is left out if
    its overlap with a segment that was taken is larger than `tiou`:

        temporal intersection over union = shared time / time of both

    Args:
        segments: Iterable of `DetectedSegment`, such as the proposals of
            `find_segments(..., thresholds=...)`.
        tiou: Float in `[0, 1]`. Largest overlap of two segments of a class.
            Defaults to `0.5`.

    Returns:
        A list of `DetectedSegment`, by start, class and end.

    Raises:
        ValueError: If `tiou` is out of range.

    Example:

    ```python
    proposals = find_segments(scores, fps=24, thresholds=[0.2, 0.4, 0.6, 0.8])
    segments = suppress_segments(proposals, tiou=0.5)
    ```
    """
    if not 0 <= tiou <= 1:
        raise ValueError(
            f"`tiou` must be in the range [0, 1]. Received: tiou={tiou}"
        )
    kept = {}
    # Of equal scores, the longest first: it tells more.
    for segment in sorted(
        segments, key=lambda x: (-x.score, x.start - x.end, x.start)
    ):
        others = kept.setdefault(segment.class_index, [])
        if all(_overlap(segment, other) <= tiou for other in others):
            others.append(segment)
    return sorted(
        (segment for others in kept.values() for segment in others),
        key=lambda x: (x.start, x.class_index, x.end),
    )


def _overlap(a, b):
    shared = max(0.0, min(a.end, b.end) - max(a.start, b.start))
    union = (a.end - a.start) + (b.end - b.start) - shared
    return shared / union if union > 0 else 0.0
