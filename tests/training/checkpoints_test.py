import pathlib
import tempfile
import unittest

import keras
import numpy as np

from ssdet_keras import training


def make_model():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    schedule = training.StepSchedule(0.1, milestones=[4])
    model.compile(training.SGD(schedule, momentum=0.9), "mse")
    return model


def fit(model, workdir, **kwargs):
    rng = np.random.default_rng(0)
    return model.fit(
        rng.normal(size=(6, 2)),
        rng.normal(size=(6, 1)),
        batch_size=3,
        shuffle=False,
        verbose=0,
        callbacks=[training.Checkpoints(workdir)],
        **kwargs,
    )


class CheckpointsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.workdir = pathlib.Path(folder.name)

    def test_the_newest_alone_is_kept(self):
        fit(make_model(), self.workdir, epochs=3)
        ((epoch, path),) = training.list_checkpoints(self.workdir)
        self.assertEqual(epoch, 3)
        self.assertEqual(path.name, "epoch_0003.keras")
        self.assertEqual(list(path.parent.iterdir()), [path])

    def test_resumed_run_equals_the_whole_run(self):
        whole = make_model()
        losses = fit(whole, self.workdir / "whole", epochs=4).history["loss"]
        fit(make_model(), self.workdir / "parts", epochs=2)
        epoch, path = training.list_checkpoints(self.workdir / "parts")[-1]
        resumed = keras.saving.load_model(path)
        rest = fit(
            resumed, self.workdir / "parts", epochs=4, initial_epoch=epoch
        )
        np.testing.assert_allclose(rest.history["loss"], losses[2:], rtol=1e-6)
        for a, b in zip(
            whole.get_weights(), resumed.get_weights(), strict=True
        ):
            np.testing.assert_allclose(a, b, rtol=1e-6)

    def test_unfinished_files_are_not_listed(self):
        folder = self.workdir / "checkpoints"
        folder.mkdir()
        (folder / "unfinished_epoch_0002.keras").touch()
        (folder / "epoch_0001.keras").touch()
        (folder / "epoch_0010.keras").touch()
        epochs = [epoch for epoch, _ in training.list_checkpoints(self.workdir)]
        self.assertEqual(epochs, [1, 10])
