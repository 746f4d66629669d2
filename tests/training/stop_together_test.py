import signal
import unittest

import numpy as np

from ssdet_keras import training
from ssdet_keras.data import VideoReadError
from ssdet_keras.data import VideoRecord
from ssdet_keras.data.video_source import VideoSource


class Pair(training.Distribution):
    """Two processes, of which the other one is a list of what it tells."""

    num_processes = 2

    def __init__(self, other_states, other_failures=None):
        self._states = iter(other_states)
        self._failures = other_failures

    def all_gather(self, array):
        return np.concatenate([array, next(self._states)])

    def all_gather_objects(self, value):
        return [value, self._failures]


def make_source(num_videos=10, max_failures=0.2):
    records = [VideoRecord(str(i), f"{i}.mp4") for i in range(num_videos)]
    source = VideoSource(records, True, 0, 1, "skip")
    source.max_failures = max_failures
    return source


class StopTogetherTest(unittest.TestCase):
    def test_signal_of_the_other_process(self):
        with training.StopSignals() as signals:
            together = training.StopTogether(
                Pair([[0, 0], [0, 0], [signal.SIGTERM, 0]]),
                signals,
                make_source(),
            )
            together.on_train_batch_end(0)
            together.on_epoch_end(0)
            self.assertIsNone(together.received)
            together.on_train_batch_end(0)
            self.assertEqual(together.received, signal.SIGTERM)
            self.assertIsNone(signals.received)

    def test_own_signal_counts_once_it_is_told(self):
        with training.StopSignals() as signals:
            together = training.StopTogether(
                Pair([[0, 0]]), signals, make_source()
            )
            signals.received = signal.SIGINT
            self.assertIsNone(together.received)
            together.on_train_batch_end(0)
            self.assertEqual(together.received, signal.SIGINT)

    def test_failures_of_both(self):
        source = make_source()
        together = training.StopTogether(
            Pair([[0, 1], [0, 1]], {"1.mp4": "short"}),
            training.StopSignals(),
            source,
        )
        # Alone, a process never stops.
        for name in ("0.mp4", "2.mp4", "3.mp4"):
            source.add_failure(name, "damaged")
        del source.failures["2.mp4"], source.failures["3.mp4"]
        together.on_train_batch_end(0)
        self.assertEqual(
            source.failures, {"0.mp4": "damaged", "1.mp4": "short"}
        )
        source.add_failure("4.mp4", "damaged")
        with self.assertRaisesRegex(
            VideoReadError, r"as 3 of 10 videos, more than a share of 0\.2"
        ):
            together.on_train_batch_end(1)
        together.close()
        self.assertEqual(source.max_failures, 0.2)


if __name__ == "__main__":
    unittest.main()
