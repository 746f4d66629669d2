import pathlib
import sys
import tempfile
import unittest
from unittest import mock

from absl import app
from absl import flags
from absl.testing import flagsaver
from event_file import read_events

from ssdet_keras import training
from ssdet_keras.recipes import tracking_flags


class TrackingFlagsTest(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.workdir = training.WorkDir(pathlib.Path(folder) / "run")
        self.workdir.save_flags("--seed=0\n")
        flags.FLAGS.mark_as_parsed()

    def track(self, **values):
        with (
            flagsaver.flagsaver(**values),
            tracking_flags.track(self.workdir) as callbacks,
        ):
            return [type(callback).__name__ for callback in callbacks]

    def test_tensorboard_always(self):
        self.assertEqual(self.track(), ["Tracking"])
        self.assertEqual(len(read_events(self.workdir.path / "tensorboard")), 2)

    def test_profile(self):
        with mock.patch.object(training.ProfileSteps, "close") as close:
            names = self.track(profile=True)
        self.assertEqual(names, ["Tracking", "ProfileSteps"])
        close.assert_called_once_with()

    def test_trackers_get_the_flags_and_are_closed(self):
        tracker = mock.Mock()
        with mock.patch.dict(tracking_flags._TRACKERS, wandb=tracker):
            self.track(tracker=["wandb"])
        tracker.assert_called_once_with(self.workdir.path, {"seed": "0"})
        tracker().close.assert_called_once_with()

    def test_a_package_that_is_missing(self):
        for name in ("wandb", "mlflow"):
            with (
                self.subTest(name),
                mock.patch.dict(sys.modules, {name: None}),
                self.assertRaisesRegex(
                    app.UsageError,
                    f"--tracker={name} needs a package: pip install {name}",
                ),
            ):
                self.track(tracker=[name])

    def test_a_client_that_can_not_start(self):
        tracker = mock.Mock(side_effect=RuntimeError("no API key"))
        with (
            mock.patch.dict(tracking_flags._TRACKERS, wandb=tracker),
            self.assertLogs("absl", "WARNING") as logs,
        ):
            self.assertEqual(self.track(tracker=["wandb"]), ["Tracking"])
        self.assertEqual(len(logs.output), 1)
        self.assertIn(
            "Nothing goes to wandb: RuntimeError: no API key", logs.output[0]
        )

    def test_no_room_for_tensorboard(self):
        (self.workdir.path / "tensorboard").touch()
        with self.assertLogs("absl", "WARNING") as logs:
            self.assertEqual(self.track(), ["Tracking"])
        self.assertIn(
            "Nothing goes to tensorboard: FileExistsError", logs.output[0]
        )

    def test_a_client_that_can_not_close(self):
        tracker, other = mock.Mock(), mock.Mock()
        tracker().close.side_effect = ConnectionError("no route to the server")
        with (
            mock.patch.dict(
                tracking_flags._TRACKERS, wandb=other, mlflow=tracker
            ),
            self.assertLogs("absl", "WARNING") as logs,
        ):
            self.track(tracker=["wandb", "mlflow"])
        self.assertIn(
            "Mock was not closed: ConnectionError: no route", logs.output[0]
        )
        other().close.assert_called_once_with()


if __name__ == "__main__":
    unittest.main()
