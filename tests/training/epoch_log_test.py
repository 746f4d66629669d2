import pathlib
import tempfile
import unittest
from unittest import mock

from ssdet_keras import training

HEADER = "epoch,loss,unreadable_videos\n"


class EpochLogTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "log.csv"

    def test_rows(self):
        failures = {}
        log = training.EpochLog(self.path, failures=failures)
        log.on_epoch_end(0, {"loss": 0.5})
        failures["a.mp4"] = "no frames"
        log.on_epoch_end(1, {"loss": 0.25})
        self.assertEqual(self.path.read_text(), HEADER + "0,0.5,0\n1,0.25,1\n")

    def test_rows_of_epochs_that_are_trained_again_are_left_out(self):
        self.path.write_text(HEADER + "0,0.5,0\n1,0.25,0\n2,0.1")
        log = training.EpochLog(self.path, 1, {})
        log.on_epoch_end(1, {"loss": 0.75})
        self.assertEqual(self.path.read_text(), HEADER + "0,0.5,0\n1,0.75,0\n")

    def test_new_columns(self):
        self.path.write_text("epoch,loss\n0,0.5\n")
        log = training.EpochLog(self.path, 1)
        log.on_epoch_end(1, {"loss": 0.25, "accuracy": 1})
        self.assertEqual(
            self.path.read_text(), "epoch,loss,accuracy\n0,0.5,\n1,0.25,1\n"
        )

    def test_a_new_run(self):
        self.path.write_text("epoch,loss\n0,0.5\n")
        training.EpochLog(self.path).on_epoch_end(0, {"loss": 0.25})
        self.assertEqual(self.path.read_text(), "epoch,loss\n0,0.25\n")

    def test_full_disk(self):
        log = training.EpochLog(self.path)
        error = OSError(28, "No space left on device")
        with (
            mock.patch("os.fsync", side_effect=error),
            self.assertRaisesRegex(
                training.TrainingStopped,
                r"log could not be written \(No space left on device\)",
            ),
        ):
            log.on_epoch_end(0, {"loss": 0.25})
        self.assertEqual(list(self.path.parent.iterdir()), [])
