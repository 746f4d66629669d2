"""Runs that end with a message instead of a model."""

import os
import signal
import unittest

import keras
import numpy as np
import pytest
from faults.fault_test_case import FaultTestCase
from faults.fault_test_case import checkpoint_names

from ssdet_keras.data import generate

RECIPE = "finetune_charades.py"


@pytest.mark.slow
class StopsTest(FaultTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        generate.generate_charades(
            cls.root, num_train=4, num_test=1, size=32, verbose=False
        )
        root = cls.root / "charades"
        cls.videos = sorted((root / "Charades_v1_480").glob("*.mp4"))
        cls.flags = [
            f"--annotations={root / 'Charades_v1_train.csv'}",
            f"--video_root={root / 'Charades_v1_480'}",
            "--epochs=3",
            *cls.common_flags(),
        ]

    def test_ctrl_c_resume_and_full_disk(self):
        workdir = self.root / "interrupted"
        flags = [f"--workdir={workdir}", *self.flags]
        status, output = self.interrupt(
            RECIPE, *flags, number=signal.SIGINT, at="Epoch 1/3"
        )
        self.assertEqual(status, 128 + signal.SIGINT, output[-3000:])
        self.assertIn("Stopped by SIGINT. The run is saved", output)
        self.assertNotIn("Traceback", output)
        self.assertTrue(checkpoint_names(workdir))
        status, output = self.call(
            RECIPE, *flags, "--resume", "--keep_checkpoints=1"
        )
        self.assertEqual(status, 0, output[-3000:])
        self.assertRegex(output, "Another flag than before: --keep_checkpoints")
        self.assertEqual(output.count("Another flag"), 1)
        self.assertIn("learning rates are those of this checkpoint", output)
        self.assertEqual(
            checkpoint_names(workdir), ["epoch_0003_step_000000.keras"]
        )
        rows = (workdir / "log.csv").read_text().splitlines()
        self.assertEqual([row[:2] for row in rows[1:]], ["0,", "1,", "2,"])
        self.assertTrue((workdir / "model.json").exists())
        model = (workdir / "model.keras").read_bytes()
        status, output = self.call(
            RECIPE,
            *flags,
            "--resume",
            "--keep_checkpoints=1",
            fault="full_disk_at_end",
        )
        self.assertEqual(status, 1, output[-3000:])
        self.assertRegex(output, r"model.keras could not be written \(.+\)")
        self.assertNotIn("Traceback", output)
        self.assertEqual((workdir / "model.keras").read_bytes(), model)

    def test_nan(self):
        workdir = self.root / "nan"
        status, output = self.call(
            RECIPE,
            f"--workdir={workdir}",
            *self.flags,
            "--learning_rate=1e30",
        )
        self.assertEqual(status, 1, output[-3000:])
        self.assertNotIn("Traceback", output)
        self.assertFalse((workdir / "checkpoints").exists())
        if keras.config.backend() == "tensorflow":
            # Its ReLU of NaN is 0: the loss is a number, the weights are not.
            self.assertIn("Weights have become NaN or infinite", output)
            return
        self.assertRegex(
            output, r"The loss is (nan|inf) at step 2 of epoch 1, on the clips"
        )
        with np.load(workdir / "nan_batch.npz") as batch:
            self.assertEqual(batch["0"].shape, (2, 4, 32, 32, 3))

    def test_too_many_unreadable_videos(self):
        for video in self.videos:
            content = video.read_bytes()
            self.addCleanup(video.write_bytes, content)
            video.write_bytes(content[:200])
        workdir = self.root / "unreadable"
        status, output = self.call(
            RECIPE,
            f"--workdir={workdir}",
            *self.flags,
            "--max_failures=0.3",
        )
        self.assertEqual(status, 1, output[-3000:])
        self.assertRegex(
            output,
            r"can't be read: \S+.mp4 \(.*; as 2 of 4 videos, more than a share "
            r"of 0.3\). See --max_failures, --read_timeout, --skip_list",
        )
        self.assertNotIn("Traceback", output)
        failures = (workdir / "failures.txt").read_text().splitlines()
        # Clips that were read ahead may have found more.
        self.assertGreaterEqual(len(failures), 2)

    def test_file_system_that_hangs(self):
        # Nobody writes to these frames, and who opens them waits.
        for video in self.videos:
            folder = self.root / "hanging" / video.stem
            folder.mkdir(parents=True)
            os.mkfifo(folder / "1.jpg")
        workdir = self.root / "hung"
        status, output = self.call(
            RECIPE,
            f"--workdir={workdir}",
            *self.flags,
            f"--video_root={self.root / 'hanging'}",
            "--read_timeout=1",
            "--max_failures=1",
        )
        self.assertEqual(status, 1, output[-3000:])
        self.assertRegex(
            output,
            r"can't be read: \S+ \(not read within 1 s; being read: .+\). See "
            "--max_failures, --read_timeout, --skip_list",
        )
        self.assertNotIn("Traceback", output)


if __name__ == "__main__":
    unittest.main()
