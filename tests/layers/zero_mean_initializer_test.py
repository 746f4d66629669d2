import unittest

import keras
import numpy as np

from ssdet_keras.layers import ZeroMeanInitializer


class ZeroMeanInitializerTest(unittest.TestCase):
    def test_weights_sum_to_zero_over_time(self):
        weights = ZeroMeanInitializer(seed=1)((5, 1, 1, 64))
        weights = keras.ops.convert_to_numpy(weights)
        np.testing.assert_allclose(weights.sum(0), 0, atol=1e-5)
        self.assertGreater(weights.std(), 0.05)

    def test_seed_gives_the_same_weights(self):
        first, second = (
            keras.ops.convert_to_numpy(
                ZeroMeanInitializer(seed=1)((3, 1, 1, 4))
            )
            for _ in range(2)
        )
        np.testing.assert_array_equal(first, second)

    def test_round_trip(self):
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(ZeroMeanInitializer(seed=3))
        )
        self.assertIsInstance(restored, ZeroMeanInitializer)
        self.assertEqual(restored.seed, 3)
