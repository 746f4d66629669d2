"""Tells whether a file or a folder has changed."""

import os


def fingerprint(path):
    """Returns a list of numbers that changes with a file or a folder.

    These are the times of the last change of its content and of its
    attributes, in nanoseconds, and its size in bytes. The second time changes
    even where a program sets the first one back, as copying tools do. The
    content of a folder is the names in it.

    Args:
        path: String or path.

    Returns:
        List of three integers, or `None` if nothing is there.
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return [status.st_mtime_ns, status.st_ctime_ns, status.st_size]
