import keras
import numpy as np
from absl.testing import parameterized
from layer_test_case import LayerTestCase
from ops.gradients import layer_gradients
from ops.gradients import to_numpy

from ssdet_keras.layers.lateral_fusion import LateralFusion

POSITIONS = np.array([[2, 6], [2, 6]], "int32")


class FusionOfOne(keras.layers.Layer):
    """A fusion whose inputs are the features or the slow ones, for gradients.

    The other ones are constant.
    """

    def __init__(self, fusion, slow=None, features=None, **kwargs):
        super().__init__(**kwargs)
        self.fusion, self.slow, self.features = fusion, slow, features

    def build(self, shape):
        slow, features = self._fill(shape, "shape")
        if not self.fusion.built:
            self.fusion.build(slow, features)

    def call(self, inputs, training=None):
        return self.fusion(*self._fill(inputs), POSITIONS, training=training)

    def compute_output_shape(self, shape):
        return self._fill(shape, "shape")[0]

    def _fill(self, inputs, attribute=None):
        others = [
            getattr(x, attribute) if attribute and x is not None else x
            for x in (self.slow, self.features)
        ]
        return [inputs if x is None else x for x in others]


class NaiveFusion(keras.layers.Layer):
    """The same of the operations of Keras, for the shapes of this test."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
        self.convolution = keras.layers.Conv3D(
            5, (7, 1, 1), strides=(4, 1, 1), use_bias=False
        )

    def build(self, slow, features):
        self.norm.build(slow)
        self.convolution.build(features)

    def call(self, inputs, features, positions, training=None):
        x = keras.ops.pad(features, [(0, 0), (1, 1), *[(0, 0)] * 3])
        x = self.norm(self.convolution(x), training=training)
        for axis in (2, 3):
            x = keras.ops.repeat(x, 2, axis=axis)
        return keras.ops.relu(inputs + x)


class LateralFusionTest(LayerTestCase):
    def make(self, **kwargs):
        layer = LateralFusion(**kwargs)
        layer.build((2, 2, 6, 6, 5), (2, 9, 3, 3, 4))
        rng = np.random.default_rng(3)
        layer.set_weights(
            [rng.uniform(0.5, 1.5, x.shape) for x in layer.get_weights()]
        )
        return layer

    def test_values(self):
        layer = LateralFusion(3)
        layer.build((1, 2, 1, 1, 1), (1, 4, 1, 1, 1))
        layer.convolution.set_weights([np.array([[1], [10], [100]])])
        gamma, beta, mean, variance = layer.norm.weights
        gamma.assign([2])
        beta.assign([1])
        mean.assign([100])
        variance.assign([4 - layer.norm.epsilon])
        features = np.array([1, 2, 3, 4], "float32").reshape(1, 4, 1, 1, 1)
        slow = np.array([1000, 0], "float32").reshape(1, 2, 1, 1, 1)
        for mask, sums in (
            (None, [0 + 10 + 200, 3 + 40 + 0]),
            (np.array([[1, 0, 1, 1]]), [0 + 10 + 0, 3 + 40 + 0]),
        ):
            outputs = layer(slow, features, np.array([[0, 3]]), mask)
            # (x - 100) / 2 * 2 + 1, to which the slow features are added.
            expected = np.maximum([1000 + sums[0] - 99, sums[1] - 99], 0)
            np.testing.assert_allclose(
                to_numpy(outputs).ravel(), expected, rtol=1e-5
            )

    @parameterized.product(
        training=(True, False), of=("features", "slow")
    )
    def test_naive_fusion_and_its_gradients(self, training, of):
        arrays = {
            "slow": self.draw(2, 2, 6, 6, 5, seed=4),
            "features": self.draw(2, 9, 3, 3, 4, seed=5),
        }
        x = arrays.pop(of)
        layer = FusionOfOne(self.make(), **arrays)
        other = FusionOfOne(NaiveFusion(), **arrays)
        for wrapper in (layer, other):
            wrapper.build(x.shape)
        self.assert_layers_equal(layer, other, x, training)

    def test_starts_as_the_slow_stream_and_learns(self):
        slow = np.abs(self.draw(2, 2, 6, 6, 5))
        layer = FusionOfOne(LateralFusion(), slow=slow)
        layer.build((2, 9, 3, 3, 4))
        gradient = self.draw(*slow.shape, seed=1)
        outputs, gradients = layer_gradients(
            layer, self.draw(2, 9, 3, 3, 4), gradient, training=True
        )
        np.testing.assert_array_equal(to_numpy(outputs), slow)
        paths = [variable.path for variable in layer.trainable_variables]
        gamma = next(i for i, x in enumerate(paths) if x.endswith("gamma"))
        self.assertGreater(np.abs(gradients[1 + gamma]).min(), 0)

    def test_any_positions_and_sizes(self):
        """Each step is the convolution around its position alone."""
        layer = self.make(kernel_size=5)
        slow = keras.Input((None, None, None, 5))
        features = keras.Input((None, None, None, 4))
        positions = keras.Input((None,), dtype="int32")
        inputs = [slow, features, positions]
        model = keras.Model(inputs, layer(*inputs))
        self.assertEqual(model.output_shape, (None, None, None, None, 5))
        for height, num_frames, steps in ((3, 9, 4), (5, 2, 3)):
            x = self.draw(2, steps, height, 4, 5)
            y = self.draw(2, num_frames, 3, 3, 4, seed=1)
            rng = np.random.default_rng(height)
            at = rng.integers(-2, num_frames + 2, (2, steps))
            outputs = model.predict_on_batch([x, y, at.astype("int32")])
            for i, j in np.ndindex(2, steps):
                one = (slice(i, i + 1), slice(j, j + 1))
                expected = layer(x[one], y[i : i + 1], at[one])
                np.testing.assert_allclose(
                    outputs[one], to_numpy(expected), atol=1e-5
                )

    def test_mixed_precision(self):
        x, y = self.draw(2, 2, 6, 6, 5), self.draw(2, 9, 3, 3, 4, seed=1)
        expected = to_numpy(self.make()(x, y, POSITIONS))
        layer = self.make(dtype="mixed_bfloat16")
        outputs = layer(x, y, POSITIONS, np.ones((2, 9), "float32"))
        self.assertEqual(
            keras.backend.standardize_dtype(outputs.dtype), "bfloat16"
        )
        error = np.linalg.norm(to_numpy(outputs) - expected)
        self.assertLess(error, 0.02 * np.linalg.norm(expected))

    def test_round_trip(self):
        self.run_round_trip_test(LateralFusion(5, name="fusion"))

    def test_invalid_arguments(self):
        for size in (4, 0, 3.0):
            with self.assertRaisesRegex(
                ValueError, f"must be an odd integer.*kernel_size={size}"
            ):
                LateralFusion(size)
        with self.assertRaisesRegex(ValueError, "channels must be known"):
            LateralFusion()(
                keras.KerasTensor((1, 2, 3, 3, 4)),
                keras.KerasTensor((1, 8, 3, 3, None)),
                keras.KerasTensor((1, 2), "int32"),
            )
