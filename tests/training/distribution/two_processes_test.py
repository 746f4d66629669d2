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


def run_two(path, fault="none", other_path=None):
    """Returns the status and the output of two processes.

    Args:
        path: Folder of the run.
        fault: That of `train_together.py`.
        other_path: Folder that the process of rank 1 takes for it, or `None`.
    """
    ports = find_ports(2)
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                FOLDER / "train_together.py",
                [path, other_path or path][rank],
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

    def assert_same_as_alone(self, path, num_processes=2):
        expected = train_together.read_steps(self.alone)
        self.assertEqual(len(expected), 6)
        for rank in range(num_processes):
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
        if keras.config.backend() == "torch":
            # The others fail before, as one alone loads a model.
            empty = self.root / "empty"
            for status, output in run_two(path, other_path=empty):
                self.assertEqual(status, 1, output[-3000:])
                self.assertIn("All processes must find the same", output)
        for status, output in run_two(path):
            self.assertEqual(status, 0, output[-3000:])
        self.assert_same_as_alone(path)

    def test_stopped_together_and_resumed_alone(self):
        path = self.root / "terminated"
        for status, output in run_two(path, "terminate"):
            self.assertEqual(status, 128 + signal.SIGTERM, output[-3000:])
            self.assertIn("Stopped by SIGTERM", output)
        names = [path.name for path in (path / "checkpoints").iterdir()]
        self.assertIn("epoch_0001_step_000000.keras", names)
        self.assertNotIn("epoch_0001_step_000001.keras", names)
        # One process goes on alone.
        train_together.train(path, 4)
        self.assert_same_as_alone(path, num_processes=1)


if __name__ == "__main__":
    unittest.main()
