"""Plain transcriptions of the formulas for two clips, for the tests."""

import numpy as np


def alpha_of(n, n1, n2, r):
    """The paper's weights of clip 1, frame by frame."""
    weights = []
    for t in range(n):
        if n2 + r >= n1:
            # Without overlap the clips follow each other: a hard switch.
            weight = (n1 - t) / (n1 - r) if n1 > r else float(t < n1)
        else:
            weight = abs(n2 + 2 * r - 2 * t) / n2
        weights.append(min(max(weight, 0.0), 1.0))
    return np.array(weights, "float32")


def random_pairs(rng, num_clips, n):
    """Parameters which fill the window, extremes among them."""
    n1 = rng.integers(1, n + 1, num_clips)
    r = np.array([rng.integers(0, a + 1) for a in n1])
    fills = n - r
    shorter = np.array([rng.integers(1, max(f, 1) + 1) for f in fills])
    n2 = np.where((n1 == n) & (fills > 0), shorter, fills)
    # A clip 2 without frames is no pair.
    r = np.where(n2 == 0, r - 1, r)
    n2 = np.maximum(n2, 1)
    partner = (np.arange(num_clips) + rng.integers(1, num_clips)) % num_clips
    given = {"partner": partner, "length_1": n1, "length_2": n2, "shift": r}
    return {k: v.astype("int32") for k, v in given.items()}
