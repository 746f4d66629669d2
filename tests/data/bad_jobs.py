"""Jobs that go wrong, for processes to find by name."""

import os
import signal

from ssdet_keras.data import VideoReadError


def square_or_fail(number):
    """Returns the square of an even number. Fails in one way for each odd."""
    if number == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 3:
        raise VideoReadError("a.mp4", "it is a text")
    if number == 5:
        raise TypeError("five")
    return number**2
