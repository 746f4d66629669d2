"""Temporal activity detection in Keras 3."""

from ssdet_keras import data
from ssdet_keras import evaluation
from ssdet_keras import layers
from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras import visualization
from ssdet_keras.version import __version__
