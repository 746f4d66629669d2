"""One run that meets one fault after the other, beside one that meets none."""

import signal
import unittest

import keras
import numpy as np
import pytest
from faults.fault_test_case import FaultTestCase
from faults.fault_test_case import checkpoint_names
from training_log import read_log

from ssdet_keras.data import generate

RECIPE = "pretrain_kinetics.py"


def name_of(epoch, step):
    return f"epoch_{epoch:04d}_step_{step:06d}.keras"


@pytest.mark.slow
class SurvivalTest(FaultTestCase):
    """Three epochs of four steps, with a checkpoint after every two."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        generate.generate_kinetics(
            cls.root, num_train=8, num_val=0, size=32, duration=1, verbose=False
        )
        videos = cls.root / "kinetics" / "videos"
        cls.corrupt = sorted(videos.rglob("*.mp4"))[2]
        cls.corrupt.write_bytes(cls.corrupt.read_bytes()[:200])
        flags = [
            f"--annotations={cls.root / 'kinetics' / 'train.csv'}",
            f"--video_root={videos}",
            "--steps=12",
            "--steps_per_epoch=4",
            "--warmup_steps=5",
            "--milestones=9",
            "--augmentation_depth=random",
            "--max_failures=0.2",
            *cls.common_flags(),
        ]
        cls.whole = cls.root / "whole"
        cls.run_whole = cls.call(RECIPE, f"--workdir={cls.whole}", *flags)
        cls.workdir = cls.root / "parts"
        flags = [f"--workdir={cls.workdir}", *flags]
        cls.left = {}

        def keep(name, result):
            cls.left[name] = (*result, checkpoint_names(cls.workdir))

        keep("killed", cls.call(RECIPE, *flags, fault="kill_after=3"))
        flags.append("--resume")
        fault = f"kill_in={name_of(1, 0)}"
        keep("killed_in_checkpoint", cls.call(RECIPE, *flags, fault=fault))
        keep("full", cls.call(RECIPE, *flags, fault="full_disk_after=3"))
        result = cls.interrupt(
            RECIPE, *flags, number=signal.SIGTERM, at="Epoch 2/3"
        )
        keep("terminated", result)
        newest = cls.workdir / "checkpoints" / cls.left["terminated"][2][-1]
        newest.write_bytes(newest.read_bytes()[:-1000])
        keep("damaged", cls.call(RECIPE, *flags))

    def test_whole_run(self):
        status, output = self.run_whole
        self.assertEqual(status, 0, output[-3000:])

    def test_kill(self):
        status, output, names = self.left["killed"]
        self.assertEqual(status, -signal.SIGKILL, output[-3000:])
        self.assertEqual(names, [name_of(0, 2)])

    def test_kill_while_a_checkpoint_is_written(self):
        status, output, names = self.left["killed_in_checkpoint"]
        self.assertEqual(status, -signal.SIGKILL, output[-3000:])
        self.assertRegex(output, "after epoch 0 and 2 steps")
        half, *whole = names
        self.assertTrue(half.startswith("."))
        self.assertEqual(whole, [name_of(0, 2)])

    def test_full_disk(self):
        status, output, names = self.left["full"]
        self.assertEqual(status, 1, output[-3000:])
        self.assertRegex(output, "after epoch 0 and 2 steps")
        self.assertRegex(
            output,
            rf"A checkpoint could not be written \(.+\): \S*{name_of(1, 2)}. "
            "Those before are intact: make room, and resume",
        )
        self.assertRegex(output, r"failures.txt could not be written \(.+\)")
        self.assertNotIn("Traceback", output)
        self.assertEqual(names, [name_of(0, 2), name_of(1, 0)])

    def test_sigterm(self):
        status, output, names = self.left["terminated"]
        self.assertEqual(status, 128 + signal.SIGTERM, output[-3000:])
        self.assertRegex(output, "after epoch 1 and 0 steps")
        self.assertIn("Stopped by SIGTERM. The run is saved", output)
        self.assertNotIn("Traceback", output)
        self.assertGreater(names[-1], name_of(1, 0))

    def test_damaged_checkpoint(self):
        status, output, names = self.left["damaged"]
        self.assertEqual(status, 0, output[-3000:])
        damaged, before = self.left["terminated"][2][:-3:-1]
        self.assertRegex(output, f"Left out a checkpoint: .*{damaged}")
        self.assertRegex(output, f"Resumed after .*{before}")
        self.assertNotIn("Another flag than before", output)
        self.assertEqual(
            names,
            sorted(
                [
                    name_of(2, 0),
                    name_of(2, 2),
                    name_of(3, 0),
                    f"{damaged}.damaged",
                ]
            ),
        )

    def test_the_result_is_that_of_the_whole_run(self):
        self.assertEqual(read_log(self.workdir), read_log(self.whole))
        self.assertEqual(
            (self.workdir / "failures.txt").read_text(),
            (self.whole / "failures.txt").read_text(),
        )
        a, b = (
            keras.saving.load_model(workdir / "model.keras")
            for workdir in (self.workdir, self.whole)
        )
        for x, y in zip(
            [*a.weights, *a.optimizer.variables],
            [*b.weights, *b.optimizer.variables],
            strict=True,
        ):
            x, y = map(keras.ops.convert_to_numpy, (x, y))
            np.testing.assert_array_equal(x, y)

    def test_the_unreadable_video_is_reported(self):
        self.assertIn(
            self.corrupt.name, (self.workdir / "failures.txt").read_text()
        )
        rows = read_log(self.workdir)
        self.assertEqual(list(rows[0]), ["epoch", "loss", "unreadable_videos"])
        self.assertEqual([row["unreadable_videos"] for row in rows], ["1"] * 3)


if __name__ == "__main__":
    unittest.main()
