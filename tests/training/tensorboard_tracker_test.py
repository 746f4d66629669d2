import io
import pathlib
import tempfile
import unittest

import numpy as np
from event_file import read_events
from PIL import Image

from ssdet_keras import training


class TensorBoardTrackerTest(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = pathlib.Path(folder) / "run" / "tensorboard"

    def test_values_are_on_the_disk_at_once(self):
        tracker = training.TensorBoardTracker(self.folder)
        self.addCleanup(tracker.close)
        tracker.log_values({"loss": 0.5, "wait_share": 0.25}, step=3)
        version, start, values = read_events(self.folder)
        self.assertEqual(version.file_version, "brain.Event:2")
        self.assertEqual(start.step, 0)
        self.assertEqual(values.step, 3)
        self.assertEqual(
            {v.tag: v.simple_value for v in values.summary.value},
            {"loss": 0.5, "wait_share": 0.25},
        )

    def test_picture(self):
        pixels = np.arange(2 * 5 * 3, dtype="uint8").reshape(2, 5, 3)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "png")
        tracker = training.TensorBoardTracker(self.folder)
        tracker.log_picture("clips", file.getvalue(), step=1)
        tracker.close()
        event = read_events(self.folder)[-1]
        (value,) = event.summary.value
        self.assertEqual((event.step, value.tag), (1, "clips"))
        self.assertEqual((value.image.height, value.image.width), (2, 5))
        png = io.BytesIO(value.image.encoded_image_string)
        np.testing.assert_array_equal(np.asarray(Image.open(png)), pixels)

    def test_a_resumed_run_hides_later_steps(self):
        training.TensorBoardTracker(self.folder, first_step=7).close()
        start = read_events(self.folder)[-1]
        self.assertEqual(start.step, 7)
        self.assertEqual(start.session_log.status, start.session_log.START)


if __name__ == "__main__":
    unittest.main()
