import keras
import numpy as np
from absl.testing import parameterized
from layer_test_case import LayerTestCase
from ops.gradients import layer_gradients
from ops.gradients import to_numpy

from ssdet_keras.layers.fine_modulation import FineModulation

CENTERS = np.array([[0, 1.5, 4], [3, 3, 9]], "float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]], "float32")


def modulate(weights, features, pool):
    """The same in NumPy."""

    def two_layers(x, kernel, bias, next_kernel, next_bias):
        hidden = np.maximum(x @ kernel + bias, 0)
        return hidden @ next_kernel + next_bias

    attention = 1 / (1 + np.exp(-two_layers(features, *weights[:4])))
    deviation = MASK.sum(axis=1)[:, None, None] / 8
    steps = np.arange(features.shape[1])
    gaussians = np.exp(-(((steps - CENTERS[..., None]) / deviation) ** 2) / 2)
    gaussians = (gaussians * MASK[:, None])[..., None, None, None]
    weight = gaussians * attention[:, None]
    x = (weight * features[:, None]).sum(axis=2) / weight.sum(axis=2)
    if pool:
        x = x.mean(axis=(2, 3))
    return two_layers(x, *weights[4:8]), two_layers(x, *weights[8:])


class Sum(keras.layers.Layer):
    """Both outputs in one, for gradients."""

    def __init__(self, modulation, **kwargs):
        super().__init__(**kwargs)
        self.modulation = modulation
        self.built = True

    def call(self, inputs, training=None):
        shift, scale = self.modulation(inputs, CENTERS, MASK)
        return shift + 2 * scale


class FineModulationTest(LayerTestCase):
    @parameterized.product(filters=(None, 5), pool=(False, True))
    def test_values(self, filters, pool):
        layer = self.build(FineModulation(filters, pool), 4)
        features = self.draw(2, 6, 3, 2, 4)
        outputs = layer(features, CENTERS, MASK)
        expected = modulate(layer.get_weights(), features, pool)
        shapes = layer.compute_output_shape(features.shape, CENTERS.shape)
        for a, b, shape in zip(outputs, expected, shapes, strict=True):
            self.assertEqual(tuple(a.shape), shape)
            np.testing.assert_allclose(to_numpy(a), b, atol=1e-4)

    def test_gradients(self):
        layer = self.build(FineModulation(), 4)
        features = self.draw(2, 6, 3, 2, 4)
        gradient = self.draw(2, 3, 3, 2, 4, seed=1)
        _, actual = layer_gradients(Sum(layer), features, gradient, True)
        arrays = [features, *layer.get_weights()]
        names = ["features", *(w.path for w in layer.weights)]
        rng = np.random.default_rng(2)
        for i, (name, result) in enumerate(zip(names, actual, strict=True)):
            # In a random direction, in float64.
            direction = rng.normal(size=arrays[i].shape)
            values = []
            for step in (1e-5, -1e-5):
                moved = [np.array(x, "float64") for x in arrays]
                moved[i] += step * direction
                shift, scale = modulate(moved[1:], moved[0], False)
                values.append(((shift + 2 * scale) * gradient).sum())
            slope = (values[0] - values[1]) / 2e-5
            np.testing.assert_allclose(
                (result * direction).sum(),
                slope,
                rtol=1e-3,
                atol=1e-2,
                err_msg=name,
            )

    def test_low_precision(self):
        layer = self.build(FineModulation(), 4)
        features = self.draw(2, 6, 3, 2, 4)
        expected = layer(features, CENTERS, MASK)
        for dtype, tolerance in (("bfloat16", 0.03), ("float16", 0.005)):
            low = self.build(FineModulation(dtype=f"mixed_{dtype}"), 4)
            low.set_weights(layer.get_weights())
            for a, b in zip(
                low(features, CENTERS, MASK), expected, strict=True
            ):
                self.assertEqual(
                    keras.backend.standardize_dtype(a.dtype), dtype
                )
                error = np.linalg.norm(to_numpy(a) - to_numpy(b))
                self.assertLess(error / np.linalg.norm(to_numpy(b)), tolerance)

    def test_unknown_sizes(self):
        layer = self.build(FineModulation(3), 4)
        inputs = [
            keras.Input((None, None, None, 4)),
            keras.Input((None,)),
            keras.Input((None,)),
        ]
        model = keras.Model(inputs, layer(*inputs))
        for steps, size in ((6, 2), (6, 5)):
            arrays = [self.draw(2, steps, size, size, 4), CENTERS, MASK]
            for a, b in zip(
                model.predict_on_batch(arrays), layer(*arrays), strict=True
            ):
                np.testing.assert_allclose(a, to_numpy(b), atol=1e-5)

    def test_round_trip(self):
        self.run_round_trip_test(FineModulation(7, pool=True, name="fusion"))

    def test_errors(self):
        with self.assertRaisesRegex(ValueError, "`filters` must .*filters=0"):
            FineModulation(0)
        with self.assertRaisesRegex(ValueError, "channels must be known"):
            FineModulation().build((None, None, None, None, None))
