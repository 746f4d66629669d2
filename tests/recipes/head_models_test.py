"""Heads that were trained in parts, in one process."""

import contextlib
import functools
import pathlib
import tempfile
import unittest

import keras
import numpy as np
import pytest
from training_log import read_log

from ssdet_keras import data
from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.recipes import head_models

EPOCHS, STEPS = 8, 3


class Killed(Exception):
    """Ends a process."""


class KillAfter(keras.callbacks.Callback):
    def __init__(self, num_steps):
        super().__init__()
        self._steps_left = num_steps

    def on_train_batch_end(self, batch, logs=None):
        self._steps_left -= 1
        if self._steps_left == 0:
            raise Killed


class HeadModelsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        rng = np.random.default_rng(0)
        cls.records = []
        for index in range(6):
            # One is longer: Keras on TensorFlow must not take the length of
            # the first two batches for that of all.
            length = 20 if index == 5 else 10
            features = rng.normal(size=(length, 4)).astype("float32")
            data.write_features(
                cls.root / "features",
                f"v{index}",
                [{"features": features}],
                length,
                fps=10,
                stride=1,
            )
            start = rng.uniform(0, 0.5)
            cls.records.append(
                data.VideoRecord(
                    f"v{index}", "-", segments=((index % 2, start, 0.8),)
                )
            )
        cls.features = data.FeatureFolder(cls.root / "features")

    def train(self, head, name, kill_after=0):
        """Returns the trained model."""
        path = self.root / name
        workdir = training.WorkDir(path, resume=path.exists())
        workdir.save_flags("")
        keras.utils.set_random_seed(0)
        trained, model = head_models.make_models(head(), 4)
        # At so high a rate that losses go up and down.
        head_models.compile_model(trained, 1.0)
        if workdir.checkpoint is not None:
            model.load_weights(workdir.checkpoint.path)
        source = data.FeatureSource(
            self.records, self.features, multiple=16, num_classes=2
        )
        with contextlib.suppress(Killed):
            training.train(
                trained,
                source,
                workdir,
                batch_size=2,
                num_epochs=EPOCHS,
                steps_per_epoch=STEPS,
                saved_model=model,
                checkpoint_steps=2,
                callbacks=[
                    training.ReduceLROnPlateau(
                        workdir.log_path, factor=0.5, patience=1
                    ),
                    KillAfter(kill_after),
                ],
                transform=functools.partial(
                    head_models.to_example,
                    with_heat_map=isinstance(trained.output, dict),
                ),
            )
        return trained

    def assert_same_when_resumed(self, head, name):
        expected = self.train(head, f"{name}_whole")
        # Within an epoch, and at the end of one.
        self.train(head, name, kill_after=9)
        self.train(head, name, kill_after=9)
        model = self.train(head, name)
        log = read_log(self.root / name)
        self.assertEqual(log, read_log(self.root / f"{name}_whole"))
        for a, b in zip(
            [*model.variables, *model.optimizer.variables],
            [*expected.variables, *expected.optimizer.variables],
            strict=True,
        ):
            np.testing.assert_array_equal(
                keras.ops.convert_to_numpy(a),
                keras.ops.convert_to_numpy(b),
                a.path,
            )
        return log

    def test_one_output(self):
        log = self.assert_same_when_resumed(
            lambda: models.SuperEventHead(2), "super_event"
        )
        rates = [float(row["learning_rate"]) for row in log]
        # It fell between the stops, too.
        self.assertLess(rates[-1], rates[3])
        self.assertLess(rates[3], rates[0])

    @pytest.mark.slow
    def test_heat_maps(self):
        log = self.assert_same_when_resumed(
            lambda: models.MSTCTHead(
                2, (8, 8, 8, 8), num_blocks=1, mixer_units=8
            ),
            "mstct",
        )
        self.assertIn("heat_map_loss", log[0])

    def test_the_saved_model_has_no_optimizer(self):
        trained, model = head_models.make_models(models.LinearHead(2), 4)
        head_models.compile_model(trained, 1e-3)
        self.assertIsNone(getattr(model, "optimizer", None))
        self.assertEqual(
            [id(weight) for weight in trained.weights],
            [id(weight) for weight in model.weights],
        )

    def test_inputs_are_padded(self):
        steps = np.arange(6, dtype="float32").reshape(3, 2)
        for multiple, length in ((1, 3), (3, 3), (4, 4), (32, 32)):
            inputs = head_models.to_inputs(steps, multiple)
            self.assertEqual(inputs["features"].shape, (1, length, 2))
            np.testing.assert_array_equal(inputs["features"][0, :3], steps)
            np.testing.assert_array_equal(inputs["features"][0, 3:], 0)
            np.testing.assert_array_equal(
                inputs["mask"], np.arange(length)[None] < 3
            )


if __name__ == "__main__":
    unittest.main()
