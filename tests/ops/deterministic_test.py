"""Runs of one process each, as the settings are those of a process."""

import os
import subprocess
import sys
import unittest

TRAIN = """
import keras
import numpy as np

from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.ops.deterministic import use_deterministic_ops

use_deterministic_ops()
keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
videos = rng.integers(256, size=(4, 4, 32, 32, 3), dtype="uint8")
labels = rng.integers(2, size=(4, 4, 3)).astype("float32")
backbone = models.X3DBackbone(
    width=0.25, depth=0.1, zero_init_residual=False, sub_batch_size=2
)
model = models.FrameDetector(backbone, 3, dropout=0.5)
model.compile(
    training.SGD(0.1, momentum=0.9),
    training.DetectionLoss(),
    jit_compile=False,
)
for _ in range(3):
    print("LOSS", float(model.train_on_batch(videos, labels)).hex())
"""


class DeterministicTest(unittest.TestCase):
    def test_losses_are_the_same_with_several_threads(self):
        losses = []
        for _ in range(2):
            result = subprocess.run(
                [sys.executable, "-c", TRAIN],
                capture_output=True,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "4"},
                check=False,
            )
            self.assertEqual(result.returncode, 0, result.stderr[-3000:])
            losses.append(
                [x for x in result.stdout.splitlines() if "LOSS" in x]
            )
        self.assertEqual(len(set(losses[0])), 3)
        self.assertEqual(losses[0], losses[1])


if __name__ == "__main__":
    unittest.main()
