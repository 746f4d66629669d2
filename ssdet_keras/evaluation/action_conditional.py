"""Action-conditional metrics."""

import dataclasses

import numpy as np

from ssdet_keras.evaluation.average_precision import average_precision
from ssdet_keras.evaluation.video_scores import VideoScores


@dataclasses.dataclass(frozen=True, eq=False)
class ActionConditional:
    """How well classes are detected where others happen.

    A class pair that never happens is NaN, and is not part of a mean.

    Attributes:
        window: Integer, in rows.
        precision: Float, mean over the pairs that happen.
        recall: Float, mean over the pairs that happen.
        f1: Float, `2 * precision * recall / (precision + recall)`.
        mean_average_precision: Float, mean over the pairs that happen.
        pair_precision: Float64 array of shape `(classes, classes)`. Element
            `[i, j]` is of class `i`, given class `j`.
        pair_recall: Array of the same shape.
        pair_average_precision: Array of the same shape.
        pair_positives: Integer array of the same shape. Number of rows that
            show class `i`, given class `j`.
    """

    window: int
    precision: float
    recall: float
    f1: float
    mean_average_precision: float
    pair_precision: np.ndarray
    pair_recall: np.ndarray
    pair_average_precision: np.ndarray
    pair_positives: np.ndarray

    def __str__(self):
        return (
            f"action_conditional, window {self.window}: "
            f"precision {100 * self.precision:.2f} %, "
            f"recall {100 * self.recall:.2f} %, F1 {100 * self.f1:.2f} %, "
            f"mAP {100 * self.mean_average_precision:.2f} %"
        )


def action_conditional(
    predictions, annotations, windows=(0, 20, 40), threshold=0.5
):
    """Measures how well classes are detected where others happen.

    With `y[t, i]` whether row `t` of a video shows class `i`, and `p[t, i]`
    its score, class `i` given class `j` is evaluated on the rows

        R(j, 0)      = {t: y[t, j]}
        R(j, window) = {t: not y[t, j], and y[s, j] for an s
                        with t - window < s < t}

    of all videos: those where `j` happens at the same time, or those before
    which it has happened just now. On them,

        precision[i, j] = #{y[t, i] and p[t, i] >= threshold}
                          / #{p[t, i] >= threshold}     0 if there are none
        recall[i, j]    = #{y[t, i] and p[t, i] >= threshold} / #{y[t, i]}
        ap[i, j]        = average_precision(p[t, i], y[t, i])

    The results are the means over all pairs of `i` and another `j` that
    happen, those with a `y[t, i]` in `R(j, window)`. All other pairs are left
    out. F1 is that of the mean precision and the mean recall.

    The windows of the publications, 0, 20 and 40, count rows of their
    features. Numbers of other rates of rows are not comparable. The authors'
    program ranks equal scores as one, `average_precision` in their order.

    Args:
        predictions: Dict of video id to an array of shape `(frames,
            classes)`, with row `i` of `T` at `i / T * duration`.
        annotations: `VideoRecords`, or a sequence of records with `id`,
            `duration` in seconds and `segments`, tuples `(class_index, start,
            end)`. A row at time `t` shows a class if `start < t < end`.
        windows: Sequence of integers, called tau in the publications. Their
            window of 1 holds no row. Defaults to `(0, 20, 40)`.
        threshold: Float. Least score of a predicted class. Defaults to `0.5`,
            for probabilities; `0.0` is the same for logits.

    Returns:
        Dict of window to an `ActionConditional`.

    Raises:
        ValueError: As `multithumos`, or if a window is 1 or negative, or if
            no pair happens within one.

    Example:

    ```python
    results = evaluation.action_conditional(predictions, annotations)
    print(results[20])
    ```

    Reference:
        [Tirupattur et al., 2021](https://arxiv.org/abs/2103.03027), and
        [Dai et al., 2022](https://arxiv.org/abs/2112.03902), whose tables
        call them `P_AC`, `R_AC`, `F1_AC` and `mAP_AC`.
    """
    for window in windows:
        if window < 0 or window == 1 or window != int(window):
            raise ValueError(
                "`windows` must be 0 or integers above 1. "
                f"Received: windows={windows}"
            )
    videos = VideoScores(predictions, annotations)
    labels = [videos.labels(index) for index in range(len(videos.scores))]
    return {
        window: _evaluate(window, videos.scores, labels, threshold)
        for window in windows
    }


def _evaluate(window, scores, labels, threshold):
    num_classes = labels[0].shape[1]
    is_given = [_find_given(window, rows) for rows in labels]
    shape = (num_classes, num_classes)
    pair_positives = np.zeros(shape, "int64")
    tables = [np.full(shape, np.nan) for _ in range(3)]
    for given in range(num_classes):
        rows = [mask[:, given] for mask in is_given]
        y = np.concatenate([y[r] for y, r in zip(labels, rows, strict=True)])
        counts = y.sum(0)
        counts[given] = 0
        pair_positives[:, given] = counts
        found = np.flatnonzero(counts)
        p = [p[r][:, found] for p, r in zip(scores, rows, strict=True)]
        y, p = y[:, found], np.concatenate(p)
        is_predicted = p >= threshold
        num_true = (y & is_predicted).sum(0)
        num_predicted = is_predicted.sum(0)
        tables[0][found, given] = num_true / np.maximum(num_predicted, 1)
        tables[1][found, given] = num_true / counts[found]
        tables[2][found, given] = average_precision(p, y)
    happens = pair_positives > 0
    if not happens.any():
        raise ValueError(
            "`annotations` must hold two classes that happen within the "
            f"window. Received: none, window={window}"
        )
    precision, recall, mean = (float(x[happens].mean()) for x in tables)
    total = precision + recall
    return ActionConditional(
        window,
        precision,
        recall,
        2 * precision * recall / total if total else 0.0,
        mean,
        *tables,
        pair_positives,
    )


def _find_given(window, labels):
    """Returns whether each row is one of each given class."""
    if window == 0:
        return labels
    # Row t holds the number of the rows before it.
    count = np.pad(labels, ((1, 0), (0, 0))).cumsum(0)
    end = np.arange(len(labels))
    start = np.maximum(end - window + 1, 0)
    return (count[end] > count[start]) & ~labels
