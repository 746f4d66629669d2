"""The newest frames of a stream."""

import collections

import numpy as np


class FrameRing:
    """Keeps the newest frames of a stream, at a steady rate.

    A stream gives its frames at any rate, and not always regularly. A model
    wants one every `interval` seconds. The frame that is nearest to each of
    these times is kept, and shown again where the stream has none:

        wanted, interval=0.1    0.00  0.10  0.20  0.30  0.40  0.50
        stream of 30 fps        0.00  0.10  0.20  0.30  0.40  0.50
        stream of 24 fps        0.00  0.08  0.21  0.29  0.42  0.50
        stream of 4 fps         0.00  0.00  0.25  0.25  0.25  0.50

    Args:
        num_frames: Positive integer. Frames of a window.
        interval: Positive float. Seconds from one frame to the next.

    Attributes:
        newest_time: Float, the time of the newest frame. `-inf` before the
            first one.
        num_sampled: Integer. Frames that were kept.
        num_unread: Integer. Those of them that no `read()` has given yet, but
            the next one will.
        num_dropped: Integer. Those that no `read()` gave, or will give: newer
            ones have taken their places.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    ```python
    ring = FrameRing(num_frames=16, interval=0.2)
    ring.add(0.0, lambda: first_frame)
    ring.add(0.04, lambda: second_frame)  # Not wanted: it is not called.
    frames, times = ring.read()  # 16 times the first one.
    ```
    """

    def __init__(self, num_frames, interval):
        if num_frames < 1:
            raise ValueError(
                f"`num_frames` must be positive. "
                f"Received: num_frames={num_frames}"
            )
        if not 0 < interval < float("inf"):
            raise ValueError(
                f"`interval` must be positive. Received: interval={interval}"
            )
        self._num_frames = num_frames
        self._interval = interval
        # Tuples of the place in the grid of wanted times, the time, the frame.
        self._kept = collections.deque()
        self._first_time = None
        self._last_time = None
        self.num_sampled = 0
        self.num_unread = 0
        self.num_dropped = 0

    @property
    def newest_time(self):
        return self._kept[-1][1] if self._kept else -float("inf")

    def add(self, time, read):
        """Keeps a frame of the stream, if it is wanted.

        Args:
            time: Float. Seconds. Times must not decrease.
            read: Function without arguments that gives the frame, an array
                of one shape and dtype, or `None` where it can't be read.
                Called only if the frame is wanted.
        """
        if self._first_time is None:
            self._first_time = self._last_time = time
        gap = time - self._last_time
        self._last_time = time
        wanted = self._kept[-1][0] + 1 if self._kept else 0
        steps = (time - self._first_time) / self._interval
        # The next frame, after about the same gap, would be farther off.
        if steps + gap / self._interval / 2 < wanted:
            return
        frame = read()
        if frame is None:
            return
        place = max(wanted, round(steps))
        self._kept.append((place, time, frame))
        self.num_sampled += 1
        self.num_unread += 1
        # A frame is shown until the next one is.
        first = place - self._num_frames + 1
        while len(self._kept) > 1 and self._kept[1][0] <= first:
            self._kept.popleft()
        self.num_dropped += max(0, self.num_unread - len(self._kept))
        self.num_unread = min(self.num_unread, len(self._kept))

    def read(self):
        """Returns the newest window.

        Before the first window is full, the first frame is repeated at its
        beginning, so that all windows have one shape.

        Returns:
            Tuple of the frames, an array of shape `(num_frames, ...)`, and
            their times, a float array of shape `(num_frames,)`.

        Raises:
            ValueError: If there was no frame yet.
        """
        if not self._kept:
            raise ValueError("A frame must be added first. Received: none")
        places, times, frames = zip(*self._kept, strict=True)
        shown = np.arange(-self._num_frames, 0) + places[-1] + 1
        indices = np.searchsorted(places, shown, side="right") - 1
        indices = np.maximum(indices, 0)
        self.num_unread = 0
        return (
            np.stack([frames[index] for index in indices]),
            np.array(times)[indices],
        )
