"""Scores between rows."""

import numpy as np


def sample_uniformly(scores, num_samples):
    """Interpolates scores linearly at evenly spaced times.

    Row `i` of `T` is at the time `i / T`, sample `j` at `j / num_samples`.
    Samples after the last row repeat it.

    Args:
        scores: Array of shape `(rows, classes)`.
        num_samples: Integer.

    Returns:
        Array of shape `(num_samples, classes)`.
    """
    num_rows = len(scores)
    if num_rows == num_samples:
        return scores
    # In integers, so that samples that fall on a row are exactly that row.
    lower, remainder = np.divmod(np.arange(num_samples) * num_rows, num_samples)
    return _mix(scores, lower, remainder / num_samples)


def interpolate_scores(scores, times, sample_times):
    """Interpolates scores linearly at any times.

    Samples before the first row or after the last one repeat it.

    Args:
        scores: Array of shape `(rows, classes)`.
        times: Array of shape `(rows,)`, ascending.
        sample_times: Array of shape `(samples,)`.

    Returns:
        Array of shape `(samples, classes)`.
    """
    places = np.interp(sample_times, times, np.arange(len(scores)))
    lower = places.astype(int)
    return _mix(scores, lower, places - lower)


def _mix(scores, lower, weight):
    """Returns `(1 - weight) * scores[lower] + weight * scores[lower + 1]`."""
    # Float16 would make ties of what lies between.
    scores = scores.astype(np.result_type(scores, "float32"), copy=False)
    last = len(scores) - 1
    upper = np.minimum(lower + 1, last)
    weight = np.where(lower < last, weight, 0)
    weight = weight[:, None].astype(scores.dtype)
    # A weight of 0 times -inf would be NaN.
    with np.errstate(invalid="ignore"):
        samples = (1 - weight) * scores[lower] + weight * scores[upper]
    samples = np.where(weight == 0, scores[lower], samples)
    return np.where(weight == 1, scores[upper], samples)
