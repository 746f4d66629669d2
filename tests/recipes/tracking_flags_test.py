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
        self.assertEqual(self.track(profile=True), ["Tracking", "ProfileSteps"])

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
            self.assertRaisesRegex(
                app.UsageError, "--tracker=wandb: no API key"
            ),
        ):
            self.track(tracker=["wandb"])


if __name__ == "__main__":
    unittest.main()
