import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.training import HeatMapLoss


class HeatMapLossTest(parameterized.TestCase):
    def test_by_hand(self):
        heat_maps = [[[1.0], [0.5]], [[1.0], [-1.0]]]
        logits = [[[np.log(3)], [0.0]], [[0.0], [7.0]]]
        # Two centres, of probability 3/4 and 1/2, and a step beside one.
        expected = (
            (1 / 4) ** 2 * np.log(4 / 3)
            + (1 / 2) ** 2 * np.log(2)
            + (1 / 2) ** 4 * (1 / 2) ** 2 * np.log(2)
        ) / 2
        loss = float(HeatMapLoss()(np.array(heat_maps), np.array(logits)))
        self.assertAlmostEqual(loss, expected, places=6)

    def test_without_activities(self):
        # 1 - 0, to the fourth, times 1/4 log 2, of six elements.
        loss = float(HeatMapLoss()(np.zeros((1, 3, 2)), np.zeros((1, 3, 2))))
        self.assertAlmostEqual(loss, 1.5 * np.log(2), places=6)

    def test_padding_alone_has_no_loss(self):
        loss = HeatMapLoss()(-np.ones((2, 3, 2)), np.ones((2, 3, 2)))
        self.assertEqual(float(loss), 0.0)

    def test_large_logits_stay_finite(self):
        heat_maps, logits = np.array([[[1.0], [0.0]]]), [[[-200.0], [300.0]]]
        loss = float(HeatMapLoss()(heat_maps, np.array(logits)))
        self.assertAlmostEqual(loss, 500.0, places=3)

    def test_round_trip(self):
        loss = HeatMapLoss(name="loss")
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(loss)
        )
        self.assertIsInstance(restored, HeatMapLoss)
        self.assertEqual(restored.get_config(), loss.get_config())
