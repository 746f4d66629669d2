import keras
import numpy as np
from absl.testing import parameterized
from coarse_fine_golden import read_golden
from layer_test_case import LayerTestCase
from ops.gradients import layer_gradients
from ops.gradients import to_numpy

from ssdet_keras.layers.grid_pool import GridPool
from ssdet_keras.layers.grid_pool import positions_of_confidences
from ssdet_keras.layers.interpolate_steps import interpolate_steps
from ssdet_keras.layers.interpolate_steps import uniform_positions


class PooledFeatures(keras.layers.Layer):
    """The first output of a `GridPool`."""

    def __init__(self, pool, **kwargs):
        super().__init__(**kwargs)
        self.pool = pool
        self.built = True

    def call(self, inputs, training=None):
        return self.pool(inputs, training=training)[0]

    def compute_output_shape(self, shape):
        return self.pool.compute_output_spec(keras.KerasTensor(shape))[0].shape


class NaiveGridPool(keras.layers.Layer):
    """The same of layers of Keras, for sizes that are known."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.layers = [
            keras.layers.Conv3D(4, 3, strides=2),
            keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5),
            keras.layers.Conv3D(4, 3, strides=2),
            keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5),
            keras.layers.Conv3D(1, (1, 3, 3), strides=(1, 2, 2)),
        ]

    def build(self, shape):
        for layer in self.layers:
            layer.build(shape)

    def call(self, inputs, training=None):
        x = inputs
        for convolution, norm in zip(
            self.layers[::2], [*self.layers[1::2], None], strict=True
        ):
            time = 0 if norm is None else 1
            pad = [(0, 0), (time, time), (1, 1), (1, 1), (0, 0)]
            x = convolution(keras.ops.pad(x, pad))
            if norm is not None:
                x = keras.ops.relu(norm(x, training=training))
        x = keras.ops.mean(x, axis=(2, 3))[..., 0]
        lengths = 1 - keras.ops.sigmoid(x / 2)
        lengths /= keras.ops.sum(lengths, axis=1, keepdims=True)
        ends = keras.ops.cumsum(lengths, axis=1)
        start = ends[:, :1] * 0
        positions = keras.ops.concatenate([start, ends[:, :-1], start + 1], 1)

        frames = inputs.shape[1]
        steps = keras.ops.arange(frames, dtype="float32")
        weights = 1 - keras.ops.abs(
            positions[..., None] * (frames - 1) - steps
        )
        weights = keras.ops.relu(weights)
        return keras.ops.einsum("bnt,bthwc->bnhwc", weights, inputs)


class GridPoolTest(LayerTestCase):
    def test_positions_by_hand(self):
        confidence = np.array([[0.1, 0.5, 0.9, 0.6], [0.5] * 4])
        logits = 2 * np.log(confidence / (1 - confidence))
        positions = to_numpy(
            positions_of_confidences(
                keras.ops.convert_to_tensor(logits, "float32")
            )
        )
        np.testing.assert_allclose(
            positions,
            [
                [0, 0.9 / 1.9, 1.4 / 1.9, 1.5 / 1.9, 1],
                [0, 0.25, 0.5, 0.75, 1],
            ],
            atol=1e-6,
        )

    @parameterized.parameters(1, 4, 33)
    def test_positions_of_any_logits(self, regions):
        rng = np.random.default_rng(0)
        for scale in (0.1, 10, 1000):
            logits = rng.normal(0, scale, (50, regions)).astype("float32")
            # All confidences 1, all 0, and all but one 1.
            logits[0], logits[1], logits[2, 1:] = 1e4, -1e4, 1e4
            positions = to_numpy(
                positions_of_confidences(keras.ops.convert_to_tensor(logits))
            )
            self.assertEqual(positions.shape, (50, regions + 1))
            np.testing.assert_array_equal(positions[:, 0], 0)
            np.testing.assert_array_equal(positions[:, -1], 1)
            self.assertGreaterEqual(np.diff(positions, axis=1).min(), 0)
            uniform = np.linspace(0, 1, regions + 1)
            np.testing.assert_allclose(positions[0], uniform, atol=1e-5)
            np.testing.assert_allclose(positions[1], uniform, atol=1e-5)

    def test_golden(self):
        golden = read_golden()
        frames, positions = (
            keras.ops.convert_to_tensor(golden[name])
            for name in ("frame_means", "positions")
        )
        pooled = interpolate_steps(frames, uniform_positions(16), positions)
        np.testing.assert_allclose(
            to_numpy(pooled), golden["pooled_means"], atol=1e-6
        )

    @parameterized.product(
        shape=((2, 8, 9, 10, 4), (1, 5, 6, 3, 4)), training=(True, False)
    )
    def test_naive_pooling_and_its_gradients(self, shape, training):
        layer = PooledFeatures(self.build(GridPool(), 4))
        # Confidences that differ.
        weights = layer.get_weights()
        for i, weight in enumerate(weights):
            weights[i] = weight * (0.3 if weight.ndim > 1 else 1)
        layer.set_weights(weights)
        x = self.draw(*shape)
        other = NaiveGridPool()
        other.build(shape)
        # Keras lists weights that are not trained last.
        names = [w.path.split("/")[-1] for w in other.weights]
        self.assertEqual(names, [w.path.split("/")[-1] for w in layer.weights])
        self.assert_layers_equal(layer, other, x, training)

    def test_clips_have_grids_of_their_own(self):
        inputs = keras.Input((None, None, None, 4))
        model = keras.Model(inputs, self.build(GridPool(), 4)(inputs))
        x = self.draw(2, 16, 8, 8, 4)
        x[1] *= np.linspace(0, 5, 16)[:, None, None, None]
        pooled, positions = model.predict_on_batch(x)
        self.assertGreater(np.abs(positions[0] - positions[1]).max(), 1e-3)
        alone, position = model.predict_on_batch(x[1:])
        np.testing.assert_allclose(position[0], positions[1], atol=1e-5)
        np.testing.assert_allclose(alone[0], pooled[1], atol=1e-4)
        np.testing.assert_allclose(pooled[:, 0], x[:, 0], atol=1e-6)
        np.testing.assert_allclose(pooled[:, -1], x[:, -1], atol=1e-6)

    def test_unknown_sizes(self):
        layer = self.build(GridPool(), 4)
        inputs = keras.Input((None, None, None, 4))
        model = keras.Model(inputs, layer(inputs))
        self.assertEqual(
            [x.shape for x in model.outputs],
            [(None, None, None, None, 4), (None, None)],
        )
        for shape in ((1, 1, 4, 5), (2, 6, 5, 3), (1, 16, 7, 7)):
            x = self.draw(*shape, 4)
            known = layer(keras.KerasTensor(x.shape))
            for actual, expected, spec in zip(
                model.predict_on_batch(x), layer(x), known, strict=True
            ):
                self.assertEqual(actual.shape, spec.shape)
                np.testing.assert_allclose(
                    actual, to_numpy(expected), atol=1e-4
                )

    @parameterized.parameters((2, 9), (4, 5), (8, 3))
    def test_ratio(self, ratio, steps):
        pooled, positions = GridPool(ratio)(self.draw(1, 16, 4, 4, 3))
        self.assertEqual(tuple(pooled.shape), (1, steps, 4, 4, 3))
        self.assertEqual(tuple(positions.shape), (1, steps))

    def test_low_precision(self):
        layer = self.build(GridPool(), 4)
        x = np.abs(self.draw(2, 8, 8, 8, 4))
        expected, expected_positions = map(to_numpy, layer(x))
        for dtype in ("bfloat16", "float16"):
            low = self.build(GridPool(dtype=f"mixed_{dtype}"), 4)
            low.set_weights(layer.get_weights())
            pooled, positions = low(x)
            self.assertEqual(
                keras.backend.standardize_dtype(pooled.dtype), dtype
            )
            self.assertEqual(
                keras.backend.standardize_dtype(positions.dtype), "float32"
            )
            np.testing.assert_allclose(
                to_numpy(positions), expected_positions, atol=0.05
            )
            error = to_numpy(pooled) - expected
            self.assertLess(np.abs(error).mean(), 0.1)
            _, gradients = layer_gradients(
                PooledFeatures(low, dtype=low.dtype_policy),
                x,
                np.ones(expected.shape),
                True,
            )
            for gradient in gradients:
                self.assertTrue(np.isfinite(gradient).all())

    def test_round_trip(self):
        self.run_round_trip_test(GridPool(8, name="pool"))

    def test_errors(self):
        for ratio in (0, 1, 3, 2.0):
            with self.assertRaisesRegex(
                ValueError, f"`ratio` must be a power of two.*ratio={ratio}"
            ):
                GridPool(ratio)
        self.run_unknown_channels_test(GridPool())
        self.run_other_inputs_test(GridPool())
