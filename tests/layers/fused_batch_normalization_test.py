import keras
import numpy as np
from absl.testing import parameterized
from layer_test_case import LayerTestCase
from ops.gradients import to_numpy

from ssdet_keras.layers.fused_batch_normalization import FusedBatchNormalization


class FusedBatchNormalizationTest(LayerTestCase):
    @parameterized.product(activation=(None, "relu"), training=(False, True))
    def test_equals_keras(self, activation, training):
        x = 3 + 2 * self.draw(2, 3, 4, 5, 6)
        layer = self.build(FusedBatchNormalization(activation=activation), 6)
        other = keras.Sequential(
            [
                keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5),
                keras.layers.Activation(activation),
            ]
        )
        other.build(x.shape)
        before = layer.get_weights()
        self.assert_layers_equal(layer, other, x, training)
        for a, b in zip(before[2:], layer.get_weights()[2:], strict=True):
            self.assertEqual((a != b).all(), training)

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

    def test_fold(self):
        layer = self.build(FusedBatchNormalization(activation="relu"), 3)
        kernel = self.draw(2, 3)
        folded, bias = map(
            to_numpy, layer.fold(keras.ops.convert_to_tensor(kernel))
        )
        # Linear: what it does to a kernel, and to zero.
        gamma, beta, mean, variance = layer.get_weights()
        scale = gamma / np.sqrt(variance + 1e-5)
        np.testing.assert_allclose(folded, kernel * scale, rtol=1e-5)
        np.testing.assert_allclose(bias, beta - mean * scale, atol=1e-5)

    @parameterized.parameters((None, [-1, 2]), ("relu", [0, 2]))
    def test_activation_at_inference(self, activation, expected):
        layer = FusedBatchNormalization(activation=activation, epsilon=0)
        x = np.array([-1, 2], "float32").reshape(1, 1, 1, 2, 1)
        outputs = to_numpy(layer(x, training=False))
        self.assertEqual(outputs.ravel().tolist(), expected)

    @parameterized.parameters("float16", "bfloat16")
    def test_low_precision(self, dtype):
        layer = FusedBatchNormalization(dtype=dtype)
        x = 5 + self.draw(2, 3, 4, 5, 3)
        outputs = layer(x, training=True)
        self.assertEqual(keras.backend.standardize_dtype(outputs.dtype), dtype)
        expected = (x - x.mean((0, 1, 2, 3))) / x.std((0, 1, 2, 3))
        np.testing.assert_allclose(to_numpy(outputs), expected, atol=0.05)

    @parameterized.parameters(False, True)
    def test_mixed_precision(self, training):
        self.run_mixed_precision_test(
            lambda dtype: FusedBatchNormalization(
                activation="relu", dtype=dtype
            ),
            self.draw(2, 3, 4, 5, 3),
            training,
        )

    def test_unknown_sizes(self):
        self.run_unknown_sizes_test(FusedBatchNormalization(), 3)

    def test_round_trip(self):
        self.run_round_trip_test(
            FusedBatchNormalization(
                momentum=0.7,
                epsilon=1e-4,
                activation="relu",
                gamma_initializer="zeros",
                name="norm",
            )
        )

    @parameterized.named_parameters(
        ("activation", {"activation": "gelu"}, "activation='gelu'"),
        ("axis", {"axis": 1}, "axis=1, center=True, scale=True"),
        ("center", {"center": False}, "axis=-1, center=False, scale=True"),
        ("scale", {"scale": False}, "axis=-1, center=True, scale=False"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, f"Received: {message}"):
            FusedBatchNormalization(**kwargs)

    def test_invalid_inputs(self):
        self.run_other_inputs_test(FusedBatchNormalization())
        self.run_unknown_channels_test(FusedBatchNormalization())
