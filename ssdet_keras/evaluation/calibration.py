"""Calibration of probabilities."""

import dataclasses

import numpy as np

from ssdet_keras.evaluation.video_scores import VideoScores


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
    """Probabilities beside the frequency of what they predict, in bins.

    Attributes:
        mean: Float. Mean of `per_class`.
        per_class: Float64 array of shape `(classes,)`. Expected calibration
            error of each class.
        counts: Integer array of shape `(classes, bins)`. Number of rows whose
            probability is in each bin.
        positives: Integer array of the same shape. How many of them show the
            class.
        totals: Float64 array of the same shape. Sum of their probabilities.
    """

    mean: float
    per_class: np.ndarray
    counts: np.ndarray
    positives: np.ndarray
    totals: np.ndarray

    def reliability(self, class_index=None):
        """Returns what a reliability diagram shows.

        Args:
            class_index: Integer, or `None` for the rows of all classes
                together.

        Returns:
            Three arrays, of the bins that are not empty: the mean probability,
            the frequency of the class, and the number of rows.
        """
        index = slice(None) if class_index is None else [class_index]
        counts, positives, totals = (
            array[index].sum(0)
            for array in (self.counts, self.positives, self.totals)
        )
        filled = counts > 0
        counts = counts[filled]
        return totals[filled] / counts, positives[filled] / counts, counts

    def __str__(self):
        return (
            f"calibration: expected error {100 * self.mean:.2f} % "
            f"({self.counts.shape[1]} bins)"
        )


def calibration(predictions, annotations, num_bins=15):
    """Measures whether probabilities are as high as classes are frequent.

    The rows of each class are sorted into bins of equal width by their
    probability: bin `b` of `B` is `b / B <= p < (b + 1) / B`, the last one
    with `p = 1`. The expected calibration error of a class is

        sum over bins of  n[b] / n * |positives[b] / n[b] - mean p in b|

    Every class is one binary question. Of a rare class almost all rows are
    rightly close to zero, and its error is small: compare errors of the same
    data alone, and look at the diagram.

    Args:
        predictions: Dict of video id to an array of shape `(frames,
            classes)`, probabilities, with row `i` of `T` at `i / T *
            duration`. A score of `-inf`, which stands for a missing row or
            video, is left out.
        annotations: `VideoRecords`, or a sequence of records with `id`,
            `duration` in seconds and `segments`, tuples `(class_index, start,
            end)`. A row at time `t` shows a class if `start < t < end`.
        num_bins: Positive integer. Defaults to `15`.

    Returns:
        A `Calibration`.

    Raises:
        ValueError: As `multithumos`, or if a score is no probability, or if
            `num_bins` is not positive.

    Example:

    ```python
    found = evaluation.calibration(predictions, annotations)
    probabilities, frequencies, counts = found.reliability()
    ```

    Reference:
        [Guo et al., 2017](https://arxiv.org/abs/1706.04599), equation 3, of
        every class on its own.
    """
    if num_bins < 1:
        raise ValueError(
            f"`num_bins` must be positive. Received: num_bins={num_bins}"
        )
    videos = VideoScores(predictions, annotations)
    shape = (videos.num_classes, num_bins)
    size = videos.num_classes * num_bins
    edges = np.arange(1, num_bins) / num_bins
    counts, positives, totals = np.zeros((3, size))
    for index, scores in enumerate(videos.scores):
        labels = videos.labels(index)
        is_known = scores > -np.inf
        _, classes = np.nonzero(is_known)
        scores, labels = scores[is_known], labels[is_known]
        if scores.size and not 0 <= scores.min() <= scores.max() <= 1:
            raise ValueError(
                "Predictions must be probabilities. Received: scores from "
                f"{scores.min()} to {scores.max()}"
            )
        bins = classes * num_bins + np.searchsorted(edges, scores, "right")
        counts += np.bincount(bins, minlength=size)
        positives += np.bincount(bins, labels, size)
        totals += np.bincount(bins, scores, size)
    counts, positives, totals = (
        array.reshape(shape) for array in (counts, positives, totals)
    )
    errors = np.abs(positives - totals).sum(1) / np.maximum(counts.sum(1), 1)
    return Calibration(
        mean=float(errors.mean()),
        per_class=errors,
        counts=counts.astype("int64"),
        positives=positives.astype("int64"),
        totals=totals,
    )
