"""A `.keras` file gives the same logits on every backend."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import keras
import numpy as np
import pytest

BACKENDS = ("tensorflow", "torch", "jax")
SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "exchange_models.py"


@unittest.skipIf(
    keras.config.backend() != "torch", "Once is enough: it starts them all."
)
class CrossBackendTest(unittest.TestCase):
    @pytest.mark.slow
    def test_files_move_between_all_backends(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        processes = {
            backend: subprocess.Popen(
                [sys.executable, SCRIPT, folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(folder / f"{backend}.log").open("w"),
                env={**os.environ, "KERAS_BACKEND": backend},
            )
            for backend in BACKENDS
        }
        for process in processes.values():
            # The others need all files.
            process.stdout.readline()
        for backend, process in processes.items():
            process.communicate()
            log = (folder / f"{backend}.log").read_text(encoding="utf-8")
            self.assertEqual(process.returncode, 0, f"{backend}: {log[-2000:]}")

        for source in BACKENDS:
            for name, shape in (
                ("classifier", (2, 5)),
                ("detector", (2, 4, 5)),
            ):
                expected = self.load(folder, source, name, source)
                self.assertEqual(expected.shape, shape)
                self.assertGreater(expected.std(), 0.1)
                for target in BACKENDS:
                    with self.subTest(source=source, target=target, model=name):
                        np.testing.assert_allclose(
                            self.load(folder, source, name, target),
                            expected,
                            atol=1e-4,
                            rtol=0,
                        )

    def load(self, folder, source, name, target):
        return np.load(folder / f"{source}_{name}_on_{target}.npy")
