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


class FakeMLflow(types.ModuleType):
    """What the tracker uses of the package, which needs a server."""

    def __init__(self):
        super().__init__("mlflow")
        self.calls = []

    def start_run(self, run_id=None, run_name=None):
        self.calls.append(("start_run", run_id, run_name))
        return types.SimpleNamespace(
            info=types.SimpleNamespace(run_id=run_id or "new_id")
        )

    def log_params(self, settings):
        self.calls.append(("log_params", settings))

    def log_metrics(self, values, step):
        self.calls.append(("log_metrics", values, step))

    def log_image(self, picture, key, step):
        self.calls.append(("log_image", np.asarray(picture).tolist(), key))
        self.calls.append(("step", step))

    def end_run(self):
        self.calls.append(("end_run",))


class MLflowTrackerTest(unittest.TestCase):
    def setUp(self):
        self.workdir = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        self.mlflow = FakeMLflow()
        self.enterContext(mock.patch.dict(sys.modules, mlflow=self.mlflow))

    def test_what_is_logged(self):
        pixels = np.arange(2 * 4 * 3, dtype="uint8").reshape(2, 4, 3)
        png = io.BytesIO()
        Image.fromarray(pixels).save(png, "png")
        tracker = training.MLflowTracker(self.workdir, {"seed": "0"})
        tracker.log_values({"loss": 0.5}, step=3)
        tracker.log_picture("clips", png.getvalue(), step=4)
        tracker.close()
        self.assertEqual(
            self.mlflow.calls,
            [
                ("start_run", None, self.workdir.name),
                ("log_params", {"seed": "0"}),
                ("log_metrics", {"loss": 0.5}, 3),
                ("log_image", pixels.tolist(), "clips"),
                ("step", 4),
                ("end_run",),
            ],
        )

    def test_a_resumed_run_keeps_its_id_and_settings(self):
        training.MLflowTracker(self.workdir, {"seed": "0"})
        self.mlflow.calls.clear()
        # MLflow refuses other settings of one run.
        training.MLflowTracker(self.workdir, {"seed": "1"})
        self.assertEqual(self.mlflow.calls, [("start_run", "new_id", None)])


if __name__ == "__main__":
    unittest.main()
