"""Progress of long jobs."""

import sys
import time


class Progress:
    """Shows how far a job is: on a terminal one line, which is rewritten.

    Elsewhere, as in the log of a batch job, it is one line per minute.

    Args:
        total: Integer. Number of videos.
        verb: String. What is done to them, such as `"checked"`.
        verbose: Boolean. Whether to show anything.
    """

    def __init__(self, total, verb, verbose=True):
        self._total = total
        self._verb = verb
        self._verbose = verbose
        self._stream = sys.stderr
        self._is_terminal = self._stream.isatty()
        self._interval = 0.2 if self._is_terminal else 60.0
        self._start = self._shown = time.monotonic()
        self.num_done = 0
        self.num_bad = 0

    def add(self, is_bad=False):
        """Counts a video."""
        self.num_done += 1
        self.num_bad += is_bad
        now = time.monotonic()
        if self._verbose and now - self._shown >= self._interval:
            self._show(now)

    def close(self):
        """Shows the last state."""
        if self._verbose and self.num_done:
            self._show(time.monotonic())
            if self._is_terminal:
                self._stream.write("\n")

    def _show(self, now):
        self._shown = now
        seconds = now - self._start
        left = seconds / self.num_done * (self._total - self.num_done)
        text = (
            f"{self.num_done:,} of {self._total:,} videos {self._verb}, "
            f"{self.num_bad:,} bad, {_clock(seconds)} gone, {_clock(left)} left"
        )
        if self._is_terminal:
            self._stream.write(f"\r{text:<79}")
        else:
            self._stream.write(text + "\n")
        self._stream.flush()


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
