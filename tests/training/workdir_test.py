import pathlib
import tempfile
import types
import unittest

import keras

from ssdet_keras import training


class WorkDirTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "a" / "run"

    def test_folders_are_made(self):
        workdir = training.WorkDir(self.path)
        self.assertTrue(self.path.is_dir())
        self.assertIsNone(workdir.checkpoint)
        self.assertEqual(list(self.path.iterdir()), [])

    def test_description_round_trip(self):
        workdir = training.WorkDir(self.path)
        self.assertEqual(training.read_description(workdir.model_path), {})
        workdir.save_description(class_names=["é", "b"], size=48)
        self.assertEqual(
            training.read_description(workdir.model_path),
            {"class_names": ["é", "b"], "size": 48},
        )

    def test_a_run_is_not_overwritten(self):
        training.WorkDir(self.path).log_path.touch()
        with self.assertRaisesRegex(ValueError, "already holds a run"):
            training.WorkDir(self.path)

    def test_nothing_to_resume(self):
        self.assertIsNone(training.WorkDir(self.path, resume=True).checkpoint)

    def test_run_that_was_stopped_before_it_was_saved(self):
        training.WorkDir(self.path).save_flags("--seed=1\n")
        self.assertIsNone(training.WorkDir(self.path, resume=True).checkpoint)
        training.WorkDir(self.path)

    def test_resume_finds_the_checkpoint(self):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        folder = self.path / "checkpoints"
        folder.mkdir(parents=True)
        path = folder / "epoch_0007_step_000002.keras"
        training.Checkpoint(path, 7, 2, 9, {}, [], []).save(model)
        checkpoint = training.WorkDir(self.path, resume=True).checkpoint
        self.assertEqual(checkpoint.path, path)
        self.assertEqual((checkpoint.epoch, checkpoint.step), (7, 2))

    def test_files_that_cannot_be_written(self):
        workdir = training.WorkDir(self.path)
        self.path.rmdir()
        source = types.SimpleNamespace(failures={})
        for name, save, content in (
            ("flags.txt", workdir.save_flags, "--seed=1\n"),
            ("model.keras", workdir.save_model, keras.Sequential()),
            ("model.json", workdir.save_description, None),
            ("failures.txt", workdir.save_failures, source),
        ):
            with self.assertRaisesRegex(
                training.TrainingStopped,
                rf"{self.path / name} could not be written \(No such file or "
                r"directory\). Checkpoints are intact: make room, and resume",
            ):
                save(*([] if content is None else [content]))

    def test_folder_that_cannot_be_written(self):
        self.path.parent.mkdir(parents=True)
        self.path.touch()
        with self.assertRaisesRegex(ValueError, "can be written to"):
            training.WorkDir(self.path)
