"""Files that are whole or not there."""

import contextlib
import os
import tempfile


@contextlib.contextmanager
def atomic_write(path):
    """Opens a binary file that appears at `path` once it is written.

    A reader never sees half a file, and an earlier one stays when writing
    fails.

    Args:
        path: String or path-like. The folder must exist.

    Yields:
        A binary file object.
    """
    path = os.path.abspath(path)
    descriptor, temporary = tempfile.mkstemp(
        dir=os.path.dirname(path), prefix=f".{os.path.basename(path)}."
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        # mkstemp lets nobody else read the file.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
