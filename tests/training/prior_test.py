import unittest

import keras
import numpy as np

from ssdet_keras import models
from ssdet_keras import training


class PriorTest(unittest.TestCase):
    def test_scores_start_at_the_prior(self):
        head = models.LinearHead(3)
        head.build((None, 5, 4))
        training.set_prior(head, 0.02)
        logits = head(np.zeros((1, 5, 4), "float32"))
        scores = keras.ops.convert_to_numpy(keras.ops.sigmoid(logits))
        np.testing.assert_allclose(scores, 0.02, rtol=1e-5)

    def test_invalid_probability(self):
        with self.assertRaisesRegex(ValueError, "probability=1"):
            training.set_prior(None, 1)
