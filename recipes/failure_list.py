"""The list of the videos that a recipe had to leave out."""

import os

from absl import logging

from ssdet_keras.data.atomic_write import atomic_write

_NUM_LOGGED = 10


def write_failures(folder, failures, shard=(1, 1)):
    """Writes the list of the videos that failed.

    Args:
        folder: String. Where to.
        failures: Dict of path to reason.
        shard: Tuple `(k, n)`. The list is that of the `k`-th of `n` processes
            that share the videos. Defaults to `(1, 1)`.

    Returns:
        Path of the list.
    """
    number, count = shard
    name = "failures.txt" if count == 1 else f"failures_{number}_of_{count}.txt"
    path = os.path.join(folder, name)
    lines = [f"{p}\t{r}\n" for p, r in sorted(failures.items())]
    with atomic_write(path) as file:
        file.write("".join(lines).encode("utf-8", "surrogateescape"))
    return path


def log_failures(failures, path):
    """Logs the first failures of a list. Returns the exit status."""
    for video, reason in list(failures.items())[:_NUM_LOGGED]:
        logging.error("%s: %s", video, reason)
    if failures:
        logging.error("All failures are in %s", path)
    return 1 if failures else 0
