"""Two processes on one CPU do what one does with batches of twice the size."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import keras
import numpy as np
import pytest
from training.distribution import train_together
from training_log import read_log
from two_processes import find_ports
from two_processes import make_environment

FOLDER = pathlib.Path(__file__).resolve().parent
# Sums over the batch are of another order.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-6}


def run_two(path, fault="none"):
    """Returns the status and the output of two processes."""
    ports = find_ports(2)
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                FOLDER / "train_together.py",
                path,
                "2",
                fault,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "TF_CPP_MIN_LOG_LEVEL": "3",
                **make_environment(rank, ports),
            },
        )
        for rank in range(2)
    ]
    outputs = [process.communicate()[0] for process in processes]
    return [
        (process.returncode, output)
        for process, output in zip(processes, outputs, strict=True)
    ]


@pytest.mark.slow
class TwoProcessesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(
            cls.enterClassContext(tempfile.TemporaryDirectory())
        )
        cls.alone = cls.root / "alone"
        train_together.train(cls.alone, 4)

    def assert_same_as_alone(self, path):
        expected = train_together.read_steps(self.alone)
        self.assertEqual(len(expected), 6)
        for rank in range(2):
            np.testing.assert_allclose(
                train_together.read_steps(path, rank), expected, **TOLERANCE
            )
        # The metrics of epochs are those of both, with TensorFlow not before.
        logs = [
            [list(map(float, row.values())) for row in read_log(folder)]
            for folder in (path, self.alone)
        ]
        np.testing.assert_allclose(*logs, **TOLERANCE)
        models = [
            keras.saving.load_model(folder / "model.keras")
            for folder in (path, self.alone)
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

    def test_killed_and_resumed(self):
        path = self.root / "killed"
        (status, output), (killed, _) = run_two(path, "kill")
        self.assertEqual(killed, -signal.SIGKILL)
        # JAX aborts after the message.
        statuses = (1, -signal.SIGABRT)
        self.assertIn(status, statuses, output[-3000:])
        self.assertIn("Another process of the run has ended", output)
        for status, output in run_two(path):
            self.assertEqual(status, 0, output[-3000:])
        self.assert_same_as_alone(path)

    def test_stop_together(self):
        path = self.root / "terminated"
        for status, output in run_two(path, "terminate"):
            self.assertEqual(status, 128 + signal.SIGTERM, output[-3000:])
            self.assertIn("Stopped by SIGTERM", output)
        names = [path.name for path in (path / "checkpoints").iterdir()]
        self.assertIn("epoch_0001_step_000000.keras", names)
        self.assertNotIn("epoch_0001_step_000001.keras", names)


if __name__ == "__main__":
    unittest.main()
