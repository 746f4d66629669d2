"""Files that are whole or not there, written by others."""

import contextlib
import os
import pathlib
import tempfile


@contextlib.contextmanager
def atomic_path(path):
    """Gives a path to write to, whose file appears at `path` once it is whole.

    A reader never sees half a file, and an earlier one stays when writing
    fails, when the process is killed, and when the power goes: the file is on
    the disk before it gets its name. Writers that were killed leave a file
    behind whose name starts with a dot.

    Args:
        path: String or path-like. The folder must exist.

    Yields:
        `pathlib.Path` in the same folder, with the same suffix.
    """
    path = pathlib.Path(os.path.abspath(path))
    descriptor, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix
    )
    os.close(descriptor)
    temporary = pathlib.Path(name)
    try:
        yield temporary
        # mkstemp lets nobody else read the file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        _sync(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _sync(path):
    """Waits until a file, or the names in a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows can't open folders.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
