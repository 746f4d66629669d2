import os
import subprocess
import sys
import unittest

import keras

TRAIN_AND_PREDICT = """
import numpy as np
from ssdet_keras import models

backbone = models.X3DBackbone("m", width=0.25, depth=0.1, normalize=None)
model = models.VideoClassifier(backbone, 5)
model.compile("sgd", "mse", jit_compile=False)
clips, labels = np.ones((2, 4, 32, 32, 3)), np.ones((2, 5))
model.fit(clips, labels, batch_size=2, verbose=0)
model.predict(clips, verbose=0)
"""


@unittest.skipIf(keras.config.backend() != "tensorflow", "Of TensorFlow.")
class GraphOptimizationTest(unittest.TestCase):
    def test_tensorflow_optimizes_every_graph(self):
        # Where Grappler fails, TensorFlow says so and runs the graph as it is,
        # a tenth slower.
        process = subprocess.run(
            [sys.executable, "-c", TRAIN_AND_PREDICT],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "0"},
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertNotIn("optimization failure", process.stderr)
