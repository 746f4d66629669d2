import pathlib
import tempfile
import unittest

import keras
import numpy as np

from ssdet_keras import training

FILES = {
    "torch": "trace.json",
    "tensorflow": "plugins/profile/*/*.xplane.pb",
    "jax": "plugins/profile/*/perfetto_trace.json.gz",
}


class ProfileStepsTest(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = pathlib.Path(folder) / "profile"

    def fit(self, num_trained, *callbacks):
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile("sgd", "mse", jit_compile=False)
        x = np.ones((2 * num_trained, 1), "float32")
        model.fit(x, x, batch_size=2, callbacks=callbacks, verbose=0)

    def test_trace(self):
        with self.assertLogs("absl", "INFO") as logs:
            self.fit(4, training.ProfileSteps(self.folder, 1, 2))
        pattern = FILES[keras.config.backend()]
        (trace,) = self.folder.glob(pattern)
        self.assertGreater(trace.stat().st_size, 100)
        self.assertRegex(
            logs.output[-1], f"Traced 2 steps in {self.folder}: (open|pip)"
        )

    def test_a_run_that_ends_while_it_is_traced(self):
        self.fit(2, training.ProfileSteps(self.folder, 1, 9))
        self.assertTrue(list(self.folder.glob(FILES[keras.config.backend()])))

    def test_a_run_that_fails_while_it_is_traced(self):
        class Fail(keras.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                if batch == 2:
                    raise RuntimeError("out of memory")

        callback = training.ProfileSteps(self.folder, 1, 9)
        with self.assertRaisesRegex(RuntimeError, "out of memory"):
            self.fit(4, callback, Fail())
        callback.close()
        self.assertTrue(list(self.folder.glob(FILES[keras.config.backend()])))

    def test_a_run_that_is_too_short(self):
        with self.assertLogs("absl", "WARNING") as logs:
            self.fit(2, training.ProfileSteps(self.folder))
        self.assertIn("Traced nothing so far: 5 steps are", logs.output[0])
        self.assertFalse(self.folder.exists())

    def test_invalid_arguments(self):
        for first_step, num_steps in ((-1, 1), (0, 0)):
            with self.assertRaisesRegex(
                ValueError,
                f"first_step={first_step}, num_steps={num_steps}",
            ):
                training.ProfileSteps("profile", first_step, num_steps)


if __name__ == "__main__":
    unittest.main()
