"""A head whose training is stopped becomes the one that was never stopped."""

import signal

import keras
import numpy as np
import pytest
from faults.fault_test_case import FaultTestCase
from faults.fault_test_case import checkpoint_names
from training_log import read_log

from ssdet_keras import data
from ssdet_keras import evaluation
from ssdet_keras import training

RECIPE = "train_head.py"
# At so high a rate that losses go up and down.
SUPER_EVENT = ["--head=super_event", "--epochs=12", "--learning_rate=1"]
MSTCT = [
    "--head=mstct",
    "--epochs=2",
    '--head_options={"stage_units": [8, 8, 8, 8], "mixer_units": 8}',
]


@pytest.mark.slow
class HeadSurvivalTest(FaultTestCase):
    """Epochs of three steps, with a checkpoint after every two."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rng = np.random.default_rng(0)
        rows = ["id,actions,length"]
        for index in range(6):
            length = 20 + index
            start = rng.uniform(0, 1)
            rows.append(f"v{index},c000 {start} 2;c001 1 {1 + start},{length}")
            data.write_features(
                cls.root / "features",
                f"v{index}",
                [{"features": rng.normal(size=(length, 5)).astype("float32")}],
                length,
                fps=10,
                stride=1,
                num_frames=length,
            )
        annotations = cls.root / "train.csv"
        annotations.write_text("\n".join(rows) + "\n")
        names = cls.root / "names.txt"
        names.write_text("walk\nrun\n")
        cls.flags = [
            f"--annotations={annotations}",
            f"--test_annotations={annotations}",
            f"--class_names={names}",
            f"--features={cls.root / 'features'}",
            "--batch_size=2",
            "--checkpoint_steps=2",
        ]

    def train(self, name, *flags, fault="none", status=0):
        result, output = self.call(
            RECIPE,
            f"--workdir={self.root / name}",
            *self.flags,
            *flags,
            fault=fault,
        )
        self.assertEqual(result, status, output[-3000:])
        self.assertNotIn("Another flag than before", output)
        return output

    def assert_same_run(self, name, expected):
        name, expected = self.root / name, self.root / expected
        self.assertEqual(read_log(name), read_log(expected))
        a, b = (
            keras.saving.load_model(path / "model.keras").get_weights()
            for path in (name, expected)
        )
        # With those of the optimizer and of the dropout.
        newest = checkpoint_names(name)[-1]
        for path, arrays in ((name, a), (expected, b)):
            checkpoint = training.read_checkpoint(path / "checkpoints" / newest)
            arrays += [*checkpoint.state, *checkpoint.random_state]
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)
        a, b = (
            evaluation.load_predictions(path / "predictions.npz")
            for path in (name, expected)
        )
        self.assertEqual(list(a), list(b))
        for video in b:
            np.testing.assert_array_equal(a[video], b[video])

    def test_kill_and_sigterm(self):
        self.train("whole", *SUPER_EVENT)
        self.train(
            "parts",
            *SUPER_EVENT,
            fault="kill_after=18",
            status=-signal.SIGKILL,
        )
        status, output = self.interrupt(
            RECIPE,
            f"--workdir={self.root / 'parts'}",
            *self.flags,
            *SUPER_EVENT,
            "--resume",
            number=signal.SIGTERM,
            at="Epoch 8/12",
        )
        self.assertEqual(status, 128 + signal.SIGTERM, output[-3000:])
        self.assertIn("Resumed after epoch 5 and 2 steps", output)
        self.assertIn("Stopped by SIGTERM. The run is saved", output)
        self.assertNotIn("Traceback", output)
        self.train("parts", *SUPER_EVENT, "--resume")
        self.assert_same_run("parts", "whole")
        rates = [row["learning_rate"] for row in read_log(self.root / "whole")]
        # It fell before the stops, and after.
        self.assertGreater(len(set(rates[:5])), 1, rates)
        self.assertGreater(len(set(rates[7:])), 1, rates)

    def test_heat_maps(self):
        self.train("whole_mstct", *MSTCT)
        self.train(
            "mstct", *MSTCT, fault="kill_after=3", status=-signal.SIGKILL
        )
        output = self.train("mstct", *MSTCT, "--resume")
        self.assertIn("Resumed after epoch 0 and 2 steps", output)
        self.assert_same_run("mstct", "whole_mstct")
