"""Memory of training on CPU."""

import ctypes
import platform

# Of <malloc.h>.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_LARGEST = 2**31 - 1


def keep_freed_memory():
    """Makes the C library keep freed memory for the next step.

    The C library of Linux returns every block of more than 32 MB to the system
    as soon as it is free, and the system clears its pages when they are asked
    for again. On CPU this takes a large part of a training step of a video
    model, most of all on virtual machines. After this call the process keeps
    its memory until it ends.

    It serves memory that the main thread asks for, as PyTorch does. TensorFlow
    and JAX use threads of their own: for them, set the environment variable
    `GLIBC_TUNABLES=glibc.malloc.hugetlb=1` before the start, which takes fewer
    and larger pages. With another C library than that of GNU nothing is done.

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
    results = [
        mallopt(threshold, _LARGEST)
        for threshold in (_MMAP_THRESHOLD, _TRIM_THRESHOLD)
    ]
    return all(result == 1 for result in results)
