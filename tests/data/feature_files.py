"""Files of features for tests."""

import numpy as np

from ssdet_keras.data import write_features


def make_arrays(num_steps, seed=0, **shapes):
    """Returns a dict of random arrays, exact in float16.

    Args:
        num_steps: Integer.
        seed: Integer.
        **shapes: Shapes of a step. Default: `features=(4,)`.
    """
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(-99, 99, (num_steps, *shape)) / 8
        for name, shape in (shapes or {"features": (4,)}).items()
    }


def write_arrays(folder, video_id, arrays, **kwargs):
    """Writes arrays at once."""
    kwargs = {"fps": 25, "stride": 5, **kwargs}
    write_features(
        folder, video_id, [arrays], len(arrays["features"]), **kwargs
    )
    return arrays
