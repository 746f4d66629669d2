"""Checks that every layer of the backbone must pass."""

import keras
import numpy as np
from absl.testing import parameterized
from ops.gradients import layer_gradients
from ops.gradients import to_numpy


class LayerTestCase(parameterized.TestCase):
    def draw(self, *shape, seed=0):
        return np.random.default_rng(seed).normal(size=shape).astype("float32")

    def build(self, layer, channels):
        """Builds a layer of unknown sizes, with random weights."""
        layer.build((None, None, None, None, channels))
        rng = np.random.default_rng(3)
        layer.set_weights(
            [
                rng.normal(0, 0.5, array.shape)
                if array.ndim > 1
                else rng.uniform(0.5, 1.5, array.shape)
                for array in layer.get_weights()
            ]
        )
        return layer

    def assert_layers_equal(self, layer, other, x, training, atol=1e-4):
        """Compares outputs, every gradient, and the weights after the call.

        The weights of `other` have the same order, and may have more axes.
        """
        other.set_weights(
            [
                array.reshape(weight.shape)
                for array, weight in zip(
                    layer.get_weights(), other.weights, strict=True
                )
            ]
        )
        gradient = self.draw(*layer.compute_output_shape(x.shape), seed=1)
        outputs, gradients = layer_gradients(layer, x, gradient, training)
        expected, expected_gradients = layer_gradients(
            other, x, gradient, training
        )
        actual = [to_numpy(outputs), *gradients, *layer.get_weights()]
        wanted = [to_numpy(expected), *expected_gradients, *other.get_weights()]
        for a, b in zip(actual, wanted, strict=True):
            # Convolutions of other layers have axes of one more.
            self.assertEqual(a.size, b.size)
            scale = max(1, np.abs(b).max())
            np.testing.assert_allclose(
                a / scale, b.reshape(a.shape) / scale, rtol=0, atol=atol
            )

    def run_mixed_precision_test(self, make_layer, x, training):
        """Compares a layer of low precision with that of float32.

        Args:
            make_layer: Function of a dtype policy.
            x: Float array of shape `(batch, frames, height, width, channels)`.
            training: Boolean.
        """
        layer = self.build(make_layer("float32"), x.shape[-1])
        weights = layer.get_weights()
        gradient = self.draw(*layer.compute_output_shape(x.shape), seed=1)
        outputs, gradients = layer_gradients(layer, x, gradient, training)
        expected = [to_numpy(outputs), *gradients, *layer.get_weights()]
        for dtype, tolerance in (("bfloat16", 0.16), ("float16", 0.02)):
            layer = self.build(make_layer(f"mixed_{dtype}"), x.shape[-1])
            layer.set_weights(weights)
            outputs, gradients = layer_gradients(layer, x, gradient, training)
            self.assertEqual(
                keras.backend.standardize_dtype(outputs.dtype), dtype
            )
            for weight in layer.weights:
                self.assertEqual(weight.dtype, "float32")
            actual = [to_numpy(outputs), *gradients, *layer.get_weights()]
            for a, b in zip(actual, expected, strict=True):
                error = np.linalg.norm(a - b) / np.linalg.norm(b)
                self.assertLess(error, tolerance)

    def run_unknown_sizes_test(self, layer, channels):
        """Calls one model with clips of two lengths and sizes."""
        inputs = keras.Input((None, None, None, channels))
        self.build(layer, channels)
        model = keras.Model(inputs, layer(inputs))
        self.assertEqual(
            model.output_shape, layer.compute_output_shape(inputs.shape)
        )
        self.assertEqual(model.output_shape[:4], (None,) * 4)
        for size in ((1, 3, 4, 5), (2, 6, 5, 3)):
            x = self.draw(*size, channels)
            outputs = model.predict(x, verbose=0)
            self.assertEqual(outputs.shape, layer.compute_output_shape(x.shape))
            np.testing.assert_allclose(outputs, to_numpy(layer(x)), atol=1e-5)

    def run_unknown_channels_test(self, layer):
        with self.assertRaisesRegex(
            ValueError, r"the channels must be known.*\(2, 3, 4, 5, None\)"
        ):
            layer(keras.KerasTensor((2, 3, 4, 5, None)))

    def run_other_inputs_test(self, layer):
        """Calls a layer of four channels with others."""
        rank = r"expected ndim=5|Inputs must be \(batch, frames"
        with self.assertRaisesRegex(ValueError, rank):
            layer(self.draw(2, 3, 3, 4))
        layer(self.draw(1, 2, 3, 3, 4))
        with self.assertRaisesRegex(ValueError, "expected ndim=5"):
            layer(self.draw(2, 3, 3, 4))
        with self.assertRaisesRegex(
            ValueError, r"expected axis -1 .* value 4.*\(1, 2, 3, 3, 3\)"
        ):
            layer(self.draw(1, 2, 3, 3, 3))

    def run_round_trip_test(self, layer):
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        self.assertIs(type(restored), type(layer))
        self.assertEqual(restored.get_config(), layer.get_config())
