import pathlib
import tempfile

import keras
from absl.testing import parameterized

from ssdet_keras import training

# With a patience of 2, the rate falls after the 4th and the 7th.
LOSSES = [3.0, 2.0, 2.5, 2.0, 1.0, 1.5, 1.0, 0.5]
RATES = [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25]


class ReduceLROnPlateauTest(parameterized.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "log.csv"

    def train(self, epochs, learning_rate=1.0):
        """Returns the rate after some epochs, in one process."""
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(learning_rate), "mse")
        plateau = training.ReduceLROnPlateau(self.path, factor=0.5, patience=2)
        log = training.EpochLog(self.path, epochs[0])
        plateau.set_model(model)
        for epoch in epochs:
            # As where `fit` is called for the rest of an epoch alone.
            plateau.on_train_begin()
            plateau.on_epoch_begin(epoch)
            logs = {"loss": LOSSES[epoch]}
            plateau.on_epoch_end(epoch, logs)
            log.on_epoch_end(epoch, logs)
            self.assertEqual(logs["learning_rate"], RATES[epoch])
        return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))

    def test_rates(self):
        self.assertEqual(self.train(range(8)), 0.25)

    @parameterized.parameters(*range(1, 8))
    def test_a_run_that_is_resumed(self, stopped_after):
        whole = self.train(range(8))
        expected = self.path.read_text()
        self.path.unlink()
        rate = self.train(range(stopped_after))
        # Rows of epochs that are trained again don't count.
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(f"{stopped_after},9.0,0.125\n")
        rate = self.train(range(stopped_after, 8), rate)
        self.assertEqual(rate, whole)
        self.assertEqual(self.path.read_text(), expected)
