import unittest

import keras
import numpy as np

from ssdet_keras import training


class Tracker:
    def __init__(self):
        self.values, self.pictures = {}, {}

    def log_values(self, values, step):
        self.values[step] = values

    def log_picture(self, name, png, step):
        self.pictures[step] = name, png


class Offline(Tracker):
    def log_values(self, values, step):
        raise ConnectionError("no route to the server")


class TrackingTest(unittest.TestCase):
    def fit(self, *trackers, **kwargs):
        model = keras.Sequential([keras.layers.Dense(1)])
        schedule = training.StepSchedule(0.5, [2])
        model.compile(keras.optimizers.SGD(schedule), "mse", jit_compile=False)
        x = np.ones((2, 1), "float32")
        model.fit(
            x,
            x,
            epochs=4,
            callbacks=[training.Tracking(trackers, **kwargs)],
            verbose=0,
        )
        return model

    def test_numbers(self):
        tracker = Tracker()
        self.fit(tracker)
        self.assertEqual(list(tracker.values), [0, 1, 2, 3])
        self.assertEqual(set(tracker.values[0]), {"loss", "learning_rate"})
        # The rate of the next step, which is divided by 10 after 2.
        np.testing.assert_allclose(
            [tracker.values[i]["learning_rate"] for i in range(4)],
            [0.5, 0.05, 0.05, 0.05],
            rtol=1e-6,
        )
        self.assertEqual(tracker.pictures, {})

    def test_pictures(self):
        for seconds, epochs in ((0.0, [0, 1, 2, 3]), (1e6, [0, 3])):
            tracker = Tracker()
            self.fit(tracker, draw=lambda: {"clips": b"png"}, seconds=seconds)
            self.assertEqual(
                tracker.pictures, dict.fromkeys(epochs, ("clips", b"png"))
            )

    def test_a_tracker_that_fails_is_warned_of(self):
        other = Tracker()
        with self.assertLogs("absl", "WARNING") as logs:
            self.fit(Offline(), other)
        self.assertEqual(len(logs.output), 4)
        self.assertIn(
            "Offline lacks numbers of epoch 0: ConnectionError: no route to "
            "the server",
            logs.output[0],
        )
        self.assertEqual(list(other.values), [0, 1, 2, 3])

    def test_pictures_that_can_not_be_drawn_are_warned_of(self):
        def draw():
            raise ValueError("scores are NaN")

        tracker = Tracker()
        with self.assertLogs("absl", "WARNING") as logs:
            self.fit(tracker, draw=draw)
        self.assertIn(
            "No pictures of epoch 0: ValueError: scores are NaN",
            logs.output[0],
        )
        self.assertEqual(list(tracker.values), [0, 1, 2, 3])


if __name__ == "__main__":
    unittest.main()
