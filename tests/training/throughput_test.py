import unittest
from unittest import mock

import keras

from ssdet_keras import training
from ssdet_keras.training import throughput


class Batches:
    """Stands in for `ClipBatches` of four clips."""

    batch_size = 4

    def __init__(self, times):
        self.times = times

    def times_of(self, index):
        return self.times[index]


class ThroughputTest(unittest.TestCase):
    def run_epoch(self, callback, clock):
        """Calls the callback as `fit` does, at the times of a clock."""
        logs = {"loss": 1.0}
        with mock.patch.object(
            throughput.time, "perf_counter", side_effect=clock
        ):
            callback.on_epoch_begin(0)
            for step in range(len(clock) - 2):
                callback.on_train_batch_end(step)
            callback.on_epoch_end(0, logs)
        return logs

    def test_values(self):
        # Begins at 10; batches come at 11 and 13; steps end at 12 and 15.
        times = [(10, 11), (11, 13), (13, 14), (14, 19)]
        callback = training.Throughput(Batches(times))
        logs = self.run_epoch(callback, [10, 12, 15, 15])
        self.assertEqual(logs["clips_per_second"], 8 / 5)
        # 1 for the first batch, and 1 from the end of its step to the next.
        self.assertEqual(logs["wait_share"], 2 / 5)
        # The next epoch has the next batches: one ahead, and one 3 late.
        logs = self.run_epoch(callback, [15, 16, 20, 20])
        self.assertEqual(logs["clips_per_second"], 8 / 5)
        self.assertEqual(logs["wait_share"], 3 / 5)

    def test_tracing_is_no_waiting(self):
        # The first batch is asked for at 16, and is there at 17.
        callback = training.Throughput(Batches([(16, 17)]))
        logs = self.run_epoch(callback, [10, 20, 20])
        self.assertEqual(logs["wait_share"], 1 / 10)

    def test_memory(self):
        logs = self.run_epoch(
            training.Throughput(Batches([(10, 11)])), [10, 12, 12]
        )
        self.assertGreater(logs["memory_gib"], 0.05)
        self.assertLess(logs["memory_gib"], 1000)
        with mock.patch.object(
            throughput, "get_peak_device_memory", return_value=3 * 2**29
        ):
            logs = self.run_epoch(
                training.Throughput(Batches([(10, 11)])), [10, 12, 12]
            )
        self.assertEqual(logs["gpu_memory_gib"], 1.5)

    def test_later_callbacks_see_the_values(self):
        class OneByOne(keras.utils.PyDataset):
            batch_size = 2
            num_batches = None

            def __getitem__(self, index):
                return keras.ops.ones((2, 1)), keras.ops.ones((2, 1))

            def times_of(self, index):
                return 0.0, 0.0

        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile("sgd", "mse", jit_compile=False)
        batches = OneByOne()
        history = model.fit(
            batches,
            steps_per_epoch=2,
            epochs=2,
            callbacks=[training.Throughput(batches)],
            verbose=0,
        ).history
        self.assertEqual(history["wait_share"], [0.0, 0.0])
        self.assertGreater(min(history["clips_per_second"]), 0)


if __name__ == "__main__":
    unittest.main()
