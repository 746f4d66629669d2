"""Files that are whole or not there."""

import contextlib

from ssdet_keras.data.atomic_path import atomic_path


@contextlib.contextmanager
def atomic_write(path):
    """Opens a binary file that appears at `path` once it is written.

    A reader never sees half a file, and an earlier one stays when writing
    fails, see `atomic_path()`.

    Args:
        path: String or path-like. The folder must exist.

    Yields:
        A binary file object.
    """
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        yield file
