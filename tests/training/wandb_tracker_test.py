import io
import pathlib
import sys
import tempfile
import types
import unittest
from unittest import mock

import numpy as np
from PIL import Image

from ssdet_keras import training


class FakeRun:
    def __init__(self, run_id):
        self.id = run_id or "new_id"
        self.logged = []
        self.is_finished = False

    def log(self, values, step):
        self.logged.append((values, step))

    def finish(self):
        self.is_finished = True


class FakeWandb(types.ModuleType):
    """What the tracker uses of the package, which needs an account."""

    Image = staticmethod(np.asarray)

    def init(self, **arguments):
        self.arguments = arguments
        self.run = FakeRun(arguments["id"])
        return self.run


class WandbTrackerTest(unittest.TestCase):
    def setUp(self):
        self.workdir = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        self.wandb = FakeWandb("wandb")
        self.enterContext(mock.patch.dict(sys.modules, wandb=self.wandb))

    def test_what_is_logged(self):
        pixels = np.arange(2 * 4 * 3, dtype="uint8").reshape(2, 4, 3)
        png = io.BytesIO()
        Image.fromarray(pixels).save(png, "png")
        tracker = training.WandbTracker(self.workdir, {"seed": "0"})
        tracker.log_values({"loss": 0.5}, step=3)
        tracker.log_picture("clips", png.getvalue(), step=3)
        tracker.close()
        self.assertEqual(self.wandb.arguments["config"], {"seed": "0"})
        self.assertEqual(self.wandb.arguments["name"], self.workdir.name)
        values, picture = self.wandb.run.logged
        self.assertEqual(values, ({"loss": 0.5}, 3))
        np.testing.assert_array_equal(picture[0]["clips"], pixels)
        self.assertEqual(picture[1], 3)
        self.assertTrue(self.wandb.run.is_finished)

    def test_a_resumed_run_keeps_its_id(self):
        training.WandbTracker(self.workdir, {})
        self.assertIsNone(self.wandb.arguments["id"])
        training.WandbTracker(self.workdir, {})
        self.assertEqual(self.wandb.arguments["id"], "new_id")
        self.assertEqual(self.wandb.arguments["resume"], "allow")


if __name__ == "__main__":
    unittest.main()
