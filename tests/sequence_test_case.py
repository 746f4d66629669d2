"""Checks that every layer and head of sequences must pass."""

import keras
import numpy as np
from absl.testing import parameterized
from ops.gradients import layer_gradients
from ops.gradients import to_numpy

GARBAGE = (1e4, -np.inf, np.nan)


class SequenceTestCase(parameterized.TestCase):
    def draw(self, *shape, seed=0):
        return np.random.default_rng(seed).normal(size=shape).astype("float32")

    def build(self, layer, *shape, seed=3):
        """Builds a layer, and gives it random weights."""
        layer.build(shape)
        rng = np.random.default_rng(seed)
        layer.set_weights(
            [
                rng.normal(0, 0.5, array.shape)
                if array.ndim > 1
                else rng.uniform(0.5, 1.5, array.shape)
                for array in layer.get_weights()
            ]
        )
        return layer

    def pad(self, x, lengths, num_steps):
        """Returns videos cut to lengths, garbage behind, and their mask."""
        steps = np.arange(num_steps)
        mask = steps < np.array(lengths)[:, None]
        padded = np.empty((len(x), num_steps, x.shape[2]), "float32")
        padded[:] = np.resize(GARBAGE, padded.shape)
        padded[:, : x.shape[1]] = x
        padded[~mask] = np.resize(GARBAGE, padded[~mask].shape)
        return padded, mask

    def run_padding_test(self, layer, features, num_steps=13):
        """Compares valid steps with those of videos without padding."""
        self.build(layer, None, None, features)
        lengths = (num_steps, num_steps - 1, 6, 1)
        x = self.draw(len(lengths), num_steps, features)
        alone = [
            to_numpy(layer(x[i : i + 1, :length]))[0]
            for i, length in enumerate(lengths)
        ]
        for padding in (0, 1, 2, 7):
            padded, mask = self.pad(x, lengths, num_steps + padding)
            outputs = to_numpy(layer(padded, mask=mask))
            for actual, expected in zip(outputs, alone, strict=True):
                scale = max(1, np.abs(expected).max())
                np.testing.assert_allclose(
                    actual[: len(expected)], expected, rtol=0, atol=1e-5 * scale
                )
        # Videos of padding alone must not spoil a batch.
        outputs = to_numpy(layer(x, mask=np.zeros(x.shape[:2], bool)))
        self.assertTrue(np.isfinite(outputs).all())

    def run_unknown_steps_test(self, layer, features):
        """Calls one model with videos of several lengths."""
        inputs = keras.Input((None, features))
        mask = keras.Input((None,), dtype="bool")
        self.build(layer, None, None, features)
        model = keras.Model([inputs, mask], layer(inputs, mask=mask))
        for batch, num_steps in ((1, 9), (3, 4)):
            x = self.draw(batch, num_steps, features)
            x_mask = np.arange(num_steps) < np.array([[3], [4], [2]])[:batch]
            outputs = model.predict_on_batch([x, x_mask])
            self.assertEqual(
                model.compute_output_shape([x.shape, x_mask.shape]),
                outputs.shape,
            )
            np.testing.assert_allclose(
                outputs, to_numpy(layer(x, mask=x_mask)), rtol=1e-5, atol=1e-5
            )

    def run_gradients_test(self, layer, x, training=False):
        """Checks that every weight takes part, in mixed precision, too."""
        self.build(layer, *x.shape)
        gradient = self.draw(*to_numpy(layer(x)).shape, seed=1)
        _, gradients = layer_gradients(layer, x, gradient, training)
        self.assertLen(gradients, 1 + len(layer.trainable_weights))
        for value in gradients:
            self.assertTrue(np.isfinite(value).all())
            self.assertGreater(np.abs(value).max(), 0)

    def run_mixed_precision_test(self, make_layer, x, output_dtype=None):
        """Compares a layer of low precision with that of float32."""
        layer = self.build(make_layer("float32"), *x.shape)
        expected = to_numpy(layer(x))
        for dtype, tolerance in (("bfloat16", 0.1), ("float16", 0.02)):
            low = make_layer(f"mixed_{dtype}")
            low.build(x.shape)
            low.set_weights(layer.get_weights())
            for mask in (None, np.ones(x.shape[:2], bool)):
                kwargs = {} if mask is None else {"mask": mask}
                outputs = low(x, **kwargs)
                self.assertEqual(
                    keras.backend.standardize_dtype(outputs.dtype),
                    output_dtype or dtype,
                )
                error = np.linalg.norm(to_numpy(outputs) - expected)
                self.assertLess(error / np.linalg.norm(expected), tolerance)

    def run_round_trip_test(self, layer):
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        self.assertIs(type(restored), type(layer))
        self.assertEqual(restored.get_config(), layer.get_config())
