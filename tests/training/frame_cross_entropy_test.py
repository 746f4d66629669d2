import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.training import FrameCrossEntropy


class FrameCrossEntropyTest(parameterized.TestCase):
    def test_by_hand(self):
        labels = [[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.0], [-1.0, -1.0]]]
        logits = [[[0.0, 0.0], [0.0, np.log(3)]], [[0.0, 0.0], [9.0, 9.0]]]
        # Three frames: 2 log 2, log 2 - log(3/4), and 2 log 2.
        expected = (5 * np.log(2) + np.log(4 / 3)) / 3
        loss = float(FrameCrossEntropy()(np.array(labels), np.array(logits)))
        self.assertAlmostEqual(loss, expected, places=6)

    def test_padding_has_no_effect(self):
        rng = np.random.default_rng(1)
        labels = rng.uniform(size=(2, 3, 4))
        logits = rng.normal(size=(2, 3, 4))
        padded_labels = np.pad(
            labels, ((0, 0), (0, 2), (0, 0)), constant_values=-1
        )
        padded_logits = np.pad(
            logits, ((0, 0), (0, 2), (0, 0)), constant_values=50
        )
        loss = FrameCrossEntropy()
        self.assertAlmostEqual(
            float(loss(labels, logits)),
            float(loss(padded_labels, padded_logits)),
            places=5,
        )

    def test_padding_alone_has_no_loss(self):
        loss = FrameCrossEntropy()(-np.ones((1, 2, 3)), np.ones((1, 2, 3)))
        self.assertEqual(float(loss), 0.0)

    def test_large_logits_stay_finite(self):
        labels, logits = np.array([[[1.0, 0.0]]]), np.array([[[-200.0, 300.0]]])
        loss = float(FrameCrossEntropy()(labels, logits))
        self.assertAlmostEqual(loss, 500.0, places=3)

    def test_round_trip(self):
        loss = FrameCrossEntropy(name="loss")
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(loss)
        )
        self.assertIsInstance(restored, FrameCrossEntropy)
        self.assertEqual(restored.get_config(), loss.get_config())
