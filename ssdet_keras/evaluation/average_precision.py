"""Average precision."""

import numpy as np


def average_precision(scores, labels, balance=None):
    """Computes the average precision of each class.

    The average precision is the mean, over the positives of a class, of the
    precision at their rank, without interpolation. Items are ranked by
    descending score; items of equal score keep their input order, as in the
    official Charades program.

        scores     0.9  0.8  0.7  0.6
        labels      1    0    1    0
        precision  1/1       2/3          average precision (1 + 2/3) / 2

    Args:
        scores: Array of shape `(items,)` or `(items, classes)`. `-inf` is
            allowed and ranks last.
        labels: Array of the shape of `scores`, of zeros and ones.
        balance: Pair of numbers, or `None`. Number of positives and of
            negatives that every class is rescaled to before the precision is
            computed, which makes classes of different frequency comparable.
            `None` counts them as they are.

    Returns:
        A float64 array of shape `(classes,)`, NaN where a class has no
        positive.

    Raises:
        ValueError: If the shapes differ or have another rank, if a score is
            NaN, or if a label is neither zero nor one.

    Example:

    ```python
    average_precision([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0])  # [0.8333]
    ```
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    if scores.shape != labels.shape or scores.ndim not in (1, 2):
        raise ValueError(
            "`scores` and `labels` must have one shape, `(items,)` or "
            f"`(items, classes)`. Received: scores.shape={scores.shape}, "
            f"labels.shape={labels.shape}"
        )
    if not np.issubdtype(scores.dtype, np.floating):
        scores = scores.astype("float64")
    if scores.ndim == 1:
        scores, labels = scores[:, None], labels[:, None]
    # One class at a time: the work space is that of one class.
    return np.array(
        [
            _average_precision_of_class(*columns, index, balance)
            for index, columns in enumerate(
                zip(scores.T, labels.T, strict=True)
            )
        ],
        "float64",
    )


def _average_precision_of_class(scores, labels, index, balance):
    scores = np.ascontiguousarray(scores)
    if np.isnan(scores).any():
        raise ValueError(
            "`scores` must not be NaN. Received: "
            f"{int(np.isnan(scores).sum())} NaN in class {index}"
        )
    is_positive = labels.astype(bool)
    if not np.array_equal(is_positive, labels):
        other = labels[is_positive != labels][0]
        raise ValueError(
            f"`labels` must be 0 or 1. Received: {other} in class {index}"
        )
    num_positives = np.count_nonzero(is_positive)
    if not num_positives:
        return np.nan
    rank = _rank_positives(scores, is_positive)
    true = np.arange(1.0, num_positives + 1)
    false = rank - true
    if balance is not None:
        num_negatives = len(scores) - num_positives
        true *= balance[0] / num_positives
        false *= balance[1] / max(num_negatives, 1)
    return np.mean(true / (true + false))


def _rank_positives(scores, is_positive):
    """Returns the ranks of the positives from 1, ascending, as floats.

    The ranks are those of a stable descending argsort, which the two faster
    ways avoid where they can.
    """
    if scores.dtype.itemsize <= 4 and len(scores) < 2**31:
        labels = _sort_labels(scores, is_positive)
        return np.flatnonzero(labels) + 1.0
    ascending = np.sort(scores)
    positives = scores[is_positive]
    first = np.searchsorted(ascending, positives, "left")
    last = np.searchsorted(ascending, positives, "right")
    if (last - first).max() == 1:
        return np.sort(len(scores) - first).astype("float64")
    order = np.argsort(-scores, kind="stable")
    return np.flatnonzero(is_positive[order]) + 1.0


def _sort_labels(scores, labels):
    """Returns the labels in stable order of descending float32 scores."""
    # Score, index and label in one integer each, as sorting integers is
    # several times as fast as a stable argsort of floats. The bits of a
    # positive float ascend with it, those of a negative one descend. Adding
    # zero turns -0.0 into 0.0.
    bits = (scores.astype("float32") + np.float32(0)).view("uint32")
    keys = np.where(bits >> 31, bits, bits ^ 0x7FFFFFFF).astype("uint64")
    keys <<= np.uint64(32)
    keys |= np.arange(len(scores), dtype="uint64") << np.uint64(1)
    keys |= labels.astype("uint64")
    keys.sort()
    return (keys & np.uint64(1)).astype(bool)
