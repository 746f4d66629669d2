import pathlib
import signal
import tempfile
import unittest
from unittest import mock

import keras
import numpy as np

from ssdet_keras import training


def make_model():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dropout(0.1),
            keras.layers.Dense(1),
        ]
    )
    schedule = training.StepSchedule(0.1, milestones=[4])
    model.compile(training.SGD(schedule, momentum=0.9), "mse")
    return model


class RaiseSignal(keras.callbacks.Callback):
    def __init__(self, batch):
        super().__init__()
        self._batch = batch

    def on_train_batch_end(self, batch, logs=None):
        if batch == self._batch:
            signal.raise_signal(signal.SIGTERM)


def fit(model, workdir, epochs, initial_epoch=0, raise_after=None, **kwargs):
    rng = np.random.default_rng(0)
    callbacks = [training.Checkpoints(workdir, **kwargs)]
    if raise_after is not None:
        callbacks.insert(0, RaiseSignal(raise_after - 1))
    workdir.mkdir(exist_ok=True)
    return model.fit(
        rng.normal(size=(6, 2)),
        rng.normal(size=(6, 1)),
        batch_size=3,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
        epochs=epochs,
        initial_epoch=initial_epoch,
    )


class CheckpointsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.workdir = pathlib.Path(folder.name)
        self.folder = training.CheckpointFolder(self.workdir)

    def names(self):
        return [path.name for path in self.folder.list_paths()]

    def test_the_newest_are_kept(self):
        fit(make_model(), self.workdir, epochs=3, steps=1, keep=3)
        self.assertEqual(
            self.names(),
            [
                "epoch_0002_step_000000.keras",
                "epoch_0002_step_000001.keras",
                "epoch_0003_step_000000.keras",
            ],
        )
        self.assertLen(list(self.folder.path.iterdir()), 3)

    def test_what_was_left_half_written_goes(self):
        self.folder.path.mkdir()
        (self.folder.path / ".epoch_0001_step_000000.keras.abc.keras").touch()
        fit(make_model(), self.workdir, epochs=1)
        (path,) = self.folder.path.iterdir()
        self.assertEqual(path.name, "epoch_0001_step_000000.keras")

    def test_a_checkpoint_is_a_model_and_the_state_of_the_run(self):
        model = make_model()
        failures = {"a.mp4": "no frames"}
        fit(model, self.workdir, epochs=1, failures=failures)
        (path,) = self.folder.list_paths()
        checkpoint = training.read_checkpoint(path)
        self.assertEqual((checkpoint.epoch, checkpoint.step), (1, 0))
        self.assertEqual(checkpoint.steps_per_epoch, 2)
        self.assertEqual(checkpoint.failures, failures)
        # Seed of the dropout, sum and count of the loss.
        self.assertEqual(
            [array.shape for array in checkpoint.state], [(2,), (), ()]
        )
        self.assertEqual(float(checkpoint.state[-1]), 6)
        loaded = keras.saving.load_model(path)
        self.assertEqual(int(loaded.optimizer.iterations), 2)
        np.testing.assert_array_equal(
            loaded.get_weights()[0], model.get_weights()[0]
        )

    def test_state_of_another_optimizer(self):
        model = make_model()
        part = keras.Model(model.inputs, model.outputs)
        part.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
        fit(part, self.workdir, epochs=1, saved_model=model)
        (path,) = self.folder.list_paths()
        # Further than those above, iterations, rate and two momenta.
        self.assertLen(training.read_checkpoint(path).state, 3 + 4)

    def test_state_of_another_model(self):
        fit(make_model(), self.workdir, epochs=1)
        start = self.folder.read_newest()
        other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        other.compile("sgd", "mse")
        with self.assertRaisesRegex(ValueError, "of this model and optimizer"):
            fit(other, self.workdir, epochs=2, initial_epoch=1, start=start)

    def test_stops_after_a_signal(self):
        for steps, name in (
            (1, "epoch_0000_step_000001.keras"),
            (2, "epoch_0001_step_000000.keras"),
        ):
            workdir = self.workdir / str(steps)
            with (
                training.StopSignals() as signals,
                self.assertRaisesRegex(
                    training.TrainingStopped, "SIGTERM. The run is saved"
                ) as raised,
            ):
                fit(
                    make_model(),
                    workdir,
                    epochs=2,
                    signals=signals,
                    raise_after=steps,
                )
            self.assertEqual(raised.exception.exit_status, 143)
            (path,) = training.CheckpointFolder(workdir).list_paths()
            self.assertEqual(path.name, name)

    def test_signal_after_the_decision_to_save(self):
        class LateSignals:
            num_reads = 0

            @property
            def received(self):
                self.num_reads += 1
                return signal.SIGTERM if self.num_reads > 1 else None

        with self.assertRaisesRegex(
            training.TrainingStopped, "SIGTERM. The run is saved"
        ):
            fit(make_model(), self.workdir, epochs=2, signals=LateSignals())
        self.assertEqual(self.names(), ["epoch_0001_step_000000.keras"])

    def test_weights_that_are_nan_are_not_saved(self):
        model = make_model()
        fit(model, self.workdir, epochs=1)
        model.layers[-1].bias.assign([np.nan])
        with self.assertRaisesRegex(training.TrainingStopped, "become NaN"):
            fit(model, self.workdir, epochs=2, initial_epoch=1)
        self.assertEqual(self.names(), ["epoch_0001_step_000000.keras"])

    def test_full_disk(self):
        model = make_model()
        fit(model, self.workdir, epochs=1)
        kept = self.names()
        error = OSError(28, "No space left on device")
        with (
            mock.patch.object(model, "save", side_effect=error),
            self.assertRaisesRegex(
                training.TrainingStopped,
                r"could not be written \(No space left on device\).*make room",
            ),
        ):
            fit(model, self.workdir, epochs=2, initial_epoch=1)
        self.assertEqual(self.names(), kept)
        self.assertLen(list(self.folder.path.iterdir()), 1)

    def test_invalid_arguments(self):
        for name in ("steps", "keep"):
            with self.assertRaisesRegex(ValueError, f"{name}=0"):
                training.Checkpoints(self.workdir, **{name: 0})

    def assertLen(self, items, length):
        self.assertEqual(len(items), length, items)


class CheckpointFolderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.workdir = pathlib.Path(folder.name)
        self.folder = training.CheckpointFolder(self.workdir)

    def test_order_and_other_files(self):
        self.folder.path.mkdir()
        names = [
            "epoch_0002_step_000000.keras",
            "epoch_0010_step_000005.keras",
            "epoch_0010_step_000010.keras",
        ]
        for name in [*names[::-1], "model.keras", f".{names[0]}"]:
            (self.folder.path / name).touch()
        paths = self.folder.list_paths()
        self.assertEqual([path.name for path in paths], names)
        self.assertEqual(self.folder.path_of(10, 5), paths[1])

    def test_nothing(self):
        self.assertEqual(self.folder.list_paths(), [])
        self.assertIsNone(self.folder.read_newest())

    def test_every_kind_of_damage_is_found(self):
        fit(make_model(), self.workdir, epochs=1)
        (path,) = self.folder.list_paths()
        content = path.read_bytes()
        rng = np.random.default_rng(0)
        for start in np.linspace(0, len(content) - 1, 40).astype(int):
            with self.subTest(cut_at=start):
                path.write_bytes(content[:start])
                with self.assertRaisesRegex(ValueError, "must be a checkpoint"):
                    training.read_checkpoint(path)
        # Blocks of zeros, as power failures leave them.
        for start in rng.integers(0, len(content), 40):
            damaged = bytearray(content)
            damaged[start : start + 512] = bytes(len(damaged[start:][:512]))
            if damaged == content:
                continue
            with self.subTest(zeros_at=start):
                path.write_bytes(damaged)
                with self.assertRaises(ValueError):
                    training.read_checkpoint(path)

    def test_damaged_files_are_set_aside(self):
        fit(make_model(), self.workdir, epochs=3, keep=3)
        first, *others = self.folder.list_paths()
        for path in others:
            path.write_bytes(path.read_bytes()[:-100])
        with self.assertLogs("absl", "WARNING") as logs:
            checkpoint = self.folder.read_newest()
        self.assertEqual(checkpoint.path, first)
        self.assertEqual(len(logs.output), 2)
        self.assertIn(others[1].name, logs.output[0])
        self.assertEqual(self.folder.list_paths(), [first])
        self.assertTrue(
            others[0].with_name(f"{others[0].name}.damaged").exists()
        )

    def test_all_are_damaged(self):
        fit(make_model(), self.workdir, epochs=1)
        (path,) = self.folder.list_paths()
        path.write_bytes(b"")
        with (
            self.assertLogs("absl", "WARNING"),
            self.assertRaisesRegex(ValueError, "1 that are damaged"),
        ):
            self.folder.read_newest()
        self.assertTrue(path.exists())
