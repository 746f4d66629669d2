"""Training by several processes and devices, by the engine of the backend."""

from ssdet_keras.training.distribution.distribution import Distribution
from ssdet_keras.training.distribution.make_distribution import ENGINES
from ssdet_keras.training.distribution.make_distribution import (
    make_distribution,
)
from ssdet_keras.training.distribution.synchronize_normalization import (
    synchronize_normalization,
)
