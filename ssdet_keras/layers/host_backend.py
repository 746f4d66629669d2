"""NumPy in the place of a backend, for many operations on few numbers."""

import contextlib
import threading

import keras
import numpy as np

from ssdet_keras.ops.frames import is_on_host

_SCOPE = threading.local()


class HostBackend:
    """What draws and plans need of a backend, in NumPy.

    A plan takes a hundred operations on a few numbers per clip. One by one,
    those of TensorFlow and JAX take longer than the frames.
    """

    name = "numpy"
    numpy = np
    shape = staticmethod(np.shape)
    convert_to_tensor = staticmethod(np.asarray)
    cast = staticmethod(np.asarray)


def host_backend():
    """Returns `HostBackend` inside of `call_on_host()`, else `None`."""
    return getattr(_SCOPE, "backend", None)


def call_on_host(function, backend, *args):
    """Calls a function of small arrays in NumPy, if their values are known.

    They are not in graphs and compiled functions, and those of a GPU would
    have to be waited for. There the function is called as it is.

    Args:
        function: Function that uses a backend, see `host_backend()`.
        backend: Name of the backend of the tensors among `args`.
        *args: Tensors, arrays, numbers or `None`, or dicts of them.

    Returns:
        What the function returns.
    """
    if not all(_is_known(x, backend) for x in keras.tree.flatten(args)):
        return function(*args)
    args = keras.tree.map_structure(_to_numpy, args)
    with _scope():
        return function(*args)


@contextlib.contextmanager
def _scope():
    _SCOPE.backend = HostBackend
    try:
        yield
    finally:
        _SCOPE.backend = None


def _is_known(x, backend):
    if x is None or isinstance(x, int | float | np.ndarray | np.generic):
        return True
    return is_on_host(x, backend)


def _to_numpy(x):
    return x if x is None or isinstance(x, int) else np.asarray(x)
