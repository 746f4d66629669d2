"""The only import of Keras internals, so that an upgrade breaks one file."""

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
