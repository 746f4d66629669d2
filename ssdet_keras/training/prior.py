"""Initial scores of a head."""

import math

import numpy as np


def set_prior(head, probability):
    """Sets the output bias so that scores start at `probability`.

    A sigmoid over many classes, of which few are positive, else spends its
    first steps on learning that.

    Args:
        head: `LinearHead`, built.
        probability: Float in `(0, 1)`.

    Raises:
        ValueError: If `probability` is outside `(0, 1)`.

    Reference:
        [Lin et al., 2017](https://arxiv.org/abs/1708.02002), section 3.3.
    """
    if not 0.0 < probability < 1.0:
        raise ValueError(
            "`probability` must be in the range (0, 1). "
            f"Received: probability={probability}"
        )
    bias = head.output_layer.bias
    logit = math.log(probability / (1.0 - probability))
    bias.assign(np.full(bias.shape, logit, "float32"))
