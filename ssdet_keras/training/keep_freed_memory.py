"""Memory of training on CPU."""

import ctypes
import platform

# Parameters of <malloc.h>, and what keeps memory: free memory at the end of the
# heap is never returned, no block is mapped by itself, and all threads share
# one heap, because only the first can grow to large blocks.
_SETTINGS = {
    "M_TRIM_THRESHOLD": (-1, -1),
    "M_MMAP_MAX": (-4, 0),
    "M_ARENA_MAX": (-8, 1),
}


def keep_freed_memory():
    """Makes the C library keep freed memory for the next step.

    The C library of Linux returns every block of more than 32 MB to the system
    as soon as it is free, and the system clears its pages when they are asked
    for again. On CPU this takes a large part of a training step of a video
    model, most of all on virtual machines. After this call the process keeps
    its memory until it ends.

    Call it first: threads that have asked for memory before keep their own
    heaps, from which large blocks can't come. With another C library than that
    of GNU nothing is done.

    Returns:
        Boolean. Whether the C library took the settings.

    Example:

    ```python
    ssdet_keras.training.keep_freed_memory()
    model.fit(clips, steps_per_epoch=100)
    ```

    Reference:
        `man 3 mallopt`.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    results = [mallopt(*setting) for setting in _SETTINGS.values()]
    return all(result == 1 for result in results)
