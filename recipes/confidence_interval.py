"""Confidence intervals of means over a few seeds."""

import math

import numpy as np

# 97.5 % quantiles of Student's t, of 1, 2, ... degrees of freedom.
_QUANTILES = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def compute_interval(values):
    """Computes the mean and its 95 % confidence interval.

    By Student's t, for values that are independent and normal. Of differences
    of two rows with the same seeds, that is the paired interval.

    Args:
        values: Sequence of floats. Those that are NaN are left out.

    Returns:
        Pair of the mean and half the width of the interval, which is NaN of
        fewer than two values. Both are NaN without a value.
    """
    values = np.asarray(values, "float64")
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return math.nan, math.nan
    mean = float(values.mean())
    if len(values) == 1:
        return mean, math.nan
    freedom = len(values) - 1
    # Beyond the table, its last quantile is wider than the true one.
    quantile = _QUANTILES[min(freedom, len(_QUANTILES)) - 1]
    deviation = values.std(ddof=1) / math.sqrt(len(values))
    return mean, float(quantile * deviation)
