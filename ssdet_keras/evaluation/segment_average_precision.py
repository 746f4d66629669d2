"""Average precision of detected segments."""

import collections

import numpy as np

from ssdet_keras.evaluation.check_videos import check_videos
from ssdet_keras.evaluation.result import Result

_THRESHOLDS = {
    "thumos": np.linspace(0.3, 0.7, 5),
    "activitynet": np.linspace(0.5, 0.95, 10),
}


def segment_average_precision(
    detections, annotations, protocol="thumos", thresholds=None
):
    """Computes the mean average precision of detected segments.

    A detection is true if it overlaps with an annotated segment of its class:
    if the length of their intersection reaches a share of that of their union,
    the threshold of the temporal intersection over union (tIoU). Every
    annotated segment makes one detection true at most. The others are false,
    those in videos without the class too.

    - `"thumos"`: at tIoU above 0.3, 0.4, ..., 0.7. Every annotated segment,
      in the order of the annotations, takes the free detection that overlaps
      most. The precision is that at the rank of a true detection.
    - `"activitynet"`: at tIoU of at least 0.5, 0.55, ..., 0.95. Every
      detection, by descending score, takes the free segment that overlaps
      most. The precision is the highest at the rank of a true detection or a
      later one ("interpolated").

    The average precision is the mean of this precision over the annotated
    segments of a class, zero for those that no detection found. `"thumos"`
    agrees with `TH14evalDet_Updated.m` of THUMOS'14; the program's first
    version interpolated at 11 recalls. Its "Ambiguous" segments, on which it
    forgives false detections, are not known here. `"activitynet"` agrees with
    `eval_detection.py` of ActivityNet. Many publications evaluate THUMOS'14
    and MultiTHUMOS with the latter: give its `protocol` the `thresholds`
    `[0.3, 0.4, 0.5, 0.6, 0.7]` or `np.linspace(0.1, 0.9, 9)`.

    Detections of equal score rank by the id of their video, then in the order
    given.

    Args:
        detections: Dict of video id to a list of `DetectedSegment`, or other
            tuples `(class_index, start, end, score)`. Videos that are not
            annotated are ignored, with a warning.
        annotations: `VideoRecords`, or a sequence of records with `id` and
            `segments`, tuples `(class_index, start, end)`. All videos that
            are to be evaluated. Its `class_names`, where present, set the
            number of classes.
        protocol: `"thumos"` or `"activitynet"`. Defaults to `"thumos"`.
        thresholds: Sequence of floats in `(0, 1]`, or `None` for those of the
            protocol.

    Returns:
        Dict of name to a `Result`: one per threshold, such as
        `thumos_tiou_0.30`, and `thumos_tiou_average`, the mean over the
        thresholds. Positives are annotated segments.

    Raises:
        ValueError: If `detections` or `annotations` is empty or they share no
            video, if the protocol is unknown or a threshold out of range, if
            a detection is not such a tuple, is of an unknown class or holds
            NaN, or if there is no annotated segment.

    Example:

    ```python
    detections = {
        video_id: evaluation.find_segments(scores, fps=10.0)
        for video_id, scores in predictions.items()
    }
    results = evaluation.segment_average_precision(detections, annotations)
    print(results["thumos_tiou_0.50"])
    ```

    Reference:
        [THUMOS Challenge 2014](http://crcv.ucf.edu/THUMOS14/), and
        [Heilbron et al., 2015](http://activity-net.org/).
    """
    if protocol not in _THRESHOLDS:
        raise ValueError(
            f"`protocol` must be one of {list(_THRESHOLDS)}. "
            f"Received: protocol={protocol!r}"
        )
    if thresholds is None:
        thresholds = _THRESHOLDS[protocol]
    thresholds = np.asarray(thresholds, "float64")
    if thresholds.ndim != 1 or not ((thresholds > 0) & (thresholds <= 1)).all():
        raise ValueError(
            "`thresholds` must be a list of numbers in (0, 1]. "
            f"Received: thresholds={thresholds}"
        )
    records = sorted(annotations, key=lambda record: record.id)
    check_videos("detections", "detected", detections, records, 3)
    class_names = getattr(annotations, "class_names", None)
    groups = _group(detections, records, class_names)

    match = {"thumos": _match_thumos, "activitynet": _match_activitynet}
    per_class = np.full((len(thresholds), len(groups)), np.nan)
    num_positives = np.zeros(len(groups), "int64")
    for class_index, videos in enumerate(groups):
        scores, is_true = [], []
        for segments, detected in videos:
            # Stable, so that equal scores keep their order.
            detected = detected[np.argsort(-detected[:, 2], kind="stable")]
            overlaps = _get_overlaps(segments, detected)
            num_positives[class_index] += len(segments)
            scores.append(detected[:, 2])
            is_true.append(match[protocol](overlaps, thresholds))
        if not num_positives[class_index]:
            continue
        order = np.argsort(-np.concatenate(scores), kind="stable")
        is_true = np.concatenate(is_true, axis=1)[:, order]
        precision = is_true.cumsum(1) / np.arange(1, len(order) + 1)
        if protocol == "activitynet":
            precision = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
        total = (precision * is_true).sum(1)
        per_class[:, class_index] = total / num_positives[class_index]

    names = [f"{protocol}_tiou_{threshold:.2f}" for threshold in thresholds]
    rows = dict(zip(names, per_class, strict=True))
    rows[f"{protocol}_tiou_average"] = per_class.mean(0)
    return {
        name: Result.from_classes(name, row, num_positives, class_names)
        for name, row in rows.items()
    }


def _match_thumos(overlaps, thresholds):
    """Returns which detections are true, shape `(thresholds, detections)`."""
    is_true = np.zeros((len(thresholds), overlaps.shape[1]), bool)
    if not is_true.size:
        return is_true
    rows = np.arange(len(thresholds))
    for overlap in overlaps:
        free = np.where(is_true, -1.0, overlap)
        best = free.argmax(1)
        is_true[rows, best] |= free[rows, best] > thresholds
    return is_true


def _match_activitynet(overlaps, thresholds):
    """Returns which detections are true, shape `(thresholds, detections)`."""
    is_true = np.zeros((len(thresholds), overlaps.shape[1]), bool)
    if not len(overlaps):
        return is_true
    rows = np.arange(len(thresholds))
    is_taken = np.zeros((len(thresholds), len(overlaps)), bool)
    for index, overlap in enumerate(overlaps.T):
        free = np.where(is_taken, -1.0, overlap)
        best = free.argmax(1)
        is_true[:, index] = free[rows, best] >= thresholds
        is_taken[rows, best] |= is_true[:, index]
    return is_true


def _get_overlaps(segments, detected):
    """Returns the tIoU, shape `(segments, detections)`."""
    starts = np.maximum(segments[:, None, 0], detected[:, 0])
    ends = np.minimum(segments[:, None, 1], detected[:, 1])
    intersections = np.maximum(ends - starts, 0)
    lengths = segments[:, 1] - segments[:, 0]
    unions = lengths[:, None] + (detected[:, 1] - detected[:, 0])
    unions = unions - intersections
    # Two empty segments at one time have no union.
    return intersections / np.where(unions > 0, unions, 1)


def _group(detections, records, class_names):
    """Returns a list of the pairs of arrays of every video for each class."""
    videos = [
        (record.id, record.segments, detections.get(record.id, ()))
        for record in records
    ]
    if class_names is None:
        num_classes = 1 + max(
            (s[0] for _, *lists in videos for s in (*lists[0], *lists[1])),
            default=-1,
        )
    else:
        num_classes = len(class_names)
    groups = [[] for _ in range(num_classes)]
    for video_id, segments, detected in videos:
        of_class = collections.defaultdict(lambda: ([], []))
        for row in detected:
            if len(row) != 4 or np.isnan(row).any():
                raise ValueError(
                    "Detections must be tuples `(class_index, start, end, "
                    f"score)` without NaN. Received: {tuple(row)} of video "
                    f"{video_id}"
                )
        for index, rows in enumerate((segments, detected)):
            for row in rows:
                if not 0 <= row[0] < num_classes:
                    raise ValueError(
                        "Class indices must be in the range "
                        f"[0, {num_classes}). Received: {tuple(row)} of video "
                        f"{video_id}"
                    )
                of_class[row[0]][index].append(row[1:])
        for class_index, (annotated, found) in of_class.items():
            groups[class_index].append(
                (
                    np.array(annotated, "float64").reshape(-1, 2),
                    np.array(found, "float64").reshape(-1, 3),
                )
            )
    return groups
