"""When the frames of a video are shown."""

import numpy as np


class FrameIndex:
    """Numbers the frames of a video by their time stamps.

    It is made of what a file tells of its packets, without decoding them.
    Frame `i` is the one with the `i`-th smallest time, so that frame rates
    may vary. A frame is found again by its exact time, wherever the decoding
    started.

    Args:
        times: float64 array of shape `(packets,)`, in the order of the file.
        is_key: Boolean array of the same shape. Whether decoding can start
            with a packet.
    """

    def __init__(self, times, is_key):
        order = np.argsort(times)
        self.times = times[order]
        self._keys = np.flatnonzero(is_key[order])

    def __len__(self):
        return len(self.times)

    def find(self, time, guess=0):
        """Returns the frame with exactly this time, or `None`.

        It is found at once if it is the guess.
        """
        if guess < len(self) and self.times[guess] == time:
            return guess
        index = int(np.searchsorted(self.times, time))
        if index < len(self) and self.times[index] == time:
            return index
        return None

    def key_before(self, frame):
        """Returns the last key frame that is not after a frame."""
        place = np.searchsorted(self._keys, frame, side="right")
        return int(self._keys[max(0, place - 1)])
