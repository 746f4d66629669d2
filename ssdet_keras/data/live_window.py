"""What a live capture gives."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class LiveWindow:
    """The newest frames of a live stream.

    Attributes:
        frames: uint8 array of shape `(window, size, size, 3)`, RGB.
        times: Float array of shape `(window,)`. When each frame was captured,
            in seconds since the capture began. Times repeat where a frame is
            shown again.
        num_new: Integer. How many frames, at the end, were not in the window
            before this one. At least 1.
    """

    frames: np.ndarray
    times: np.ndarray
    num_new: int
