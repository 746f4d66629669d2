"""The only import of Keras internals, so that an upgrade breaks one file."""

import sys

import keras
from keras.src.utils.backend_utils import DynamicBackend
from keras.src.utils.backend_utils import in_tf_graph
from keras.src.utils.tracking import no_automatic_dependency_tracking


def current_backend():
    """Returns the operations for the tensors at hand.

    Inside a `tf.data` pipeline these are TensorFlow's, with any Keras backend,
    and elsewhere those of the Keras backend.
    """
    name = "tensorflow" if in_tf_graph() else keras.config.backend()
    return DynamicBackend(name)


def in_step():
    """Returns whether a step of a model asks for its metrics just now.

    Keras asks for them after every step, to show them, and once more when all
    steps of an epoch are done. Only PyTorch runs its steps as plain Python, so
    that nothing but the calls on the stack tells the two apart.
    """
    if in_tf_graph():
        return True
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code is _COMPUTE_METRICS:
            return True
        frame = frame.f_back
    return False


_COMPUTE_METRICS = keras.Model.compute_metrics.__code__
