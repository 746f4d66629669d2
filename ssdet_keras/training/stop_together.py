"""The common end of the processes of a run."""

import signal

import keras
import numpy as np


class StopTogether(keras.callbacks.Callback):
    """Tells all processes of a run what one of them has seen.

    After every step, a signal to stop that one process has received is that of
    all, and a video that one could not read is a failure of all. So they stop
    after the same step, instead of waiting for one that has gone.

    Args:
        distribution: `Distribution`.
        signals: `StopSignals`.
        source: `ClipSource`. Its `max_failures` is checked here, for the
            videos of all processes, until `close()`.

    Attributes:
        received: `signal.Signals` or `None`.

    Raises:
        VideoReadError: On all processes, if too many videos can't be read.
    """

    def __init__(self, distribution, signals, source):
        super().__init__()
        self._distribution = distribution
        self._signals = signals
        self._source = source
        self._max_failures = source.max_failures
        source.max_failures = 1.0
        self._failures = dict(source.failures)
        self.received = None

    def on_train_batch_end(self, batch, logs=None):
        self._tell()

    def on_epoch_end(self, epoch, logs=None):
        self._tell()

    def close(self):
        """Leaves the check of `max_failures` to the source again."""
        self._source.max_failures = self._max_failures

    def _tell(self):
        source = self._source
        # Threads that read clips add to them.
        new = {
            path: reason
            for path, reason in list(source.failures.items())
            if path not in self._failures
        }
        state = np.array([self._signals.received or 0, len(new)], "int32")
        numbers, num_new = np.split(
            self._distribution.all_gather(state).reshape(-1, 2), 2, axis=1
        )
        if numbers.any():
            self.received = signal.Signals(numbers.max())
        if not num_new.any():
            return
        for failures in self._distribution.all_gather_objects(new):
            for path, reason in failures.items():
                self._failures[path] = reason
                source.add_failure(path, reason)
        source.check_failures(
            path, reason, len(self._failures), self._max_failures
        )
