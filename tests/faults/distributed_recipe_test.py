"""A recipe in two processes on one CPU."""

import unittest

import keras
import numpy as np
import pytest
from event_file import read_events
from faults.fault_test_case import FaultTestCase
from training_log import read_log
from two_processes import find_ports
from two_processes import make_environment

from ssdet_keras.data import generate

RECIPE = "finetune_charades.py"
# Sums over the batch are of another order.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-6}


@pytest.mark.slow
class DistributedRecipeTest(FaultTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        generate.generate_charades(
            cls.root,
            num_train=4,
            num_test=0,
            size=32,
            min_duration=2,
            max_duration=3,
            verbose=False,
        )
        root = cls.root / "charades"
        cls.videos = sorted((root / "Charades_v1_480").glob("*.mp4"))
        # One step of four clips in each epoch.
        cls.flags = [
            f"--annotations={root / 'Charades_v1_train.csv'}",
            f"--video_root={root / 'Charades_v1_480'}",
            "--epochs=2",
            "--dropout=0",
            "--pictured_clips=0",
            *cls.common_flags(),
        ]

    def call_two(self, *flags):
        """Returns the status and the output of two processes."""
        ports = find_ports(2)
        processes = [
            self.start(
                RECIPE,
                *self.flags,
                *flags,
                environment=make_environment(rank, ports),
            )
            for rank in range(2)
        ]
        outputs = [process.communicate()[0] for process in processes]
        return [
            (process.returncode, output)
            for process, output in zip(processes, outputs, strict=True)
        ]

    def read_rates(self, workdir):
        """Returns the learning rate of each epoch, of the only writer."""
        (path,) = (workdir / "tensorboard").iterdir()
        return [
            value.simple_value
            for event in read_events(path.parent)
            for value in event.summary.value
            if value.tag == "learning_rate"
        ]

    def test_same_as_one_process_with_the_double_batch(self):
        alone, both = self.root / "alone", self.root / "both"
        status, output = self.call(
            RECIPE,
            *self.flags,
            f"--workdir={alone}",
            "--batch_size=4",
            "--learning_rate=0.04",
        )
        self.assertEqual(status, 0, output[-3000:])
        outputs = self.call_two(
            f"--workdir={both}",
            "--learning_rate=0.02",
            "--scale_learning_rate",
            "--synchronize_normalization",
        )
        for status, output in outputs:
            self.assertEqual(status, 0, output[-3000:])
        (_, first), (_, second) = outputs
        for text in ("2 processes with 2 devices", "rate: 0.04", "Saved"):
            self.assertIn(text, first)
            self.assertNotIn(text, second)
        np.testing.assert_allclose(self.read_rates(both), [0.04, 0.04])
        logs = [
            [list(map(float, row.values())) for row in read_log(workdir)]
            for workdir in (both, alone)
        ]
        self.assertEqual(len(logs[0]), 2)
        np.testing.assert_allclose(*logs, **TOLERANCE)
        models = [
            keras.saving.load_model(workdir / "model.keras")
            for workdir in (both, alone)
        ]
        for weight, other in zip(
            models[0].variables, models[1].variables, strict=True
        ):
            np.testing.assert_allclose(
                keras.ops.convert_to_numpy(weight),
                keras.ops.convert_to_numpy(other),
                **TOLERANCE,
                err_msg=weight.path,
            )

    def test_too_many_unreadable_videos(self):
        for video in self.videos[:2]:
            content = video.read_bytes()
            self.addCleanup(video.write_bytes, content)
            video.write_bytes(content[:200])
        for status, output in self.call_two(
            f"--workdir={self.root / 'unreadable'}", "--max_failures=0.3"
        ):
            self.assertEqual(status, 1, output[-3000:])
            self.assertRegex(
                output,
                r"can't be read: .* as 2 of 4 videos, more than a share of "
                r"0.3\). See --max_failures",
            )
            self.assertNotIn("Traceback", output)


if __name__ == "__main__":
    unittest.main()
