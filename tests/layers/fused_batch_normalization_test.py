import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.layers.fused_batch_normalization import FusedBatchNormalization


class FusedBatchNormalizationTest(parameterized.TestCase):
    def test_training_equals_keras(self):
        rng = np.random.default_rng(0)
        x = rng.normal(3, 2, (2, 3, 4, 5, 6)).astype("float32")
        layers = (
            FusedBatchNormalization(),
            keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5),
        )
        results = []
        for layer in layers:
            layer.build(x.shape)
            layer.gamma.assign(np.linspace(-1, 2, 6))
            layer.beta.assign(np.linspace(0, 5, 6))
            outputs = layer(x, training=True)
            results.append(
                [keras.ops.convert_to_numpy(outputs), *layer.get_weights()]
            )
            results[-1].append(
                keras.ops.convert_to_numpy(layer(x, training=False))
            )
        self.assertLen(results[0], 6)
        for actual, expected in zip(*results, strict=True):
            np.testing.assert_allclose(actual, expected, atol=1e-4)

    def test_values(self):
        layer = FusedBatchNormalization(momentum=0.5, epsilon=0.0)
        x = np.array([1.0, 3.0], "float32").reshape(1, 2, 1, 1, 1)
        outputs = keras.ops.convert_to_numpy(layer(x, training=True))
        np.testing.assert_allclose(outputs.ravel(), [-1, 1], atol=1e-5)
        weights = [float(w[0]) for w in layer.get_weights()]
        # Half of the way from 0 to the mean 2, and from 1 to the variance 1.
        np.testing.assert_allclose(weights, [1, 0, 1, 1], atol=1e-5)

    def test_frozen_layer_uses_moving_averages(self):
        layer = FusedBatchNormalization()
        x = np.full((1, 2, 2, 2, 3), 5, "float32")
        layer.build(x.shape)
        layer.trainable = False
        outputs = keras.ops.convert_to_numpy(layer(x, training=True))
        np.testing.assert_allclose(outputs, x, rtol=1e-4)
        np.testing.assert_allclose(layer.get_weights()[2], 0)
