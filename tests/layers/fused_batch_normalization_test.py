import keras
import numpy as np
from absl.testing import parameterized
from layer_test_case import LayerTestCase
from ops.gradients import layer_gradients
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

    def test_sub_batch_values(self):
        layer = FusedBatchNormalization(
            momentum=0.5, epsilon=0.0, sub_batch_size=2
        )
        x = np.array([1, 3, 10, 30], "float32").reshape(4, 1, 1, 1, 1)
        outputs = to_numpy(layer(x, training=True))
        np.testing.assert_allclose(outputs.ravel(), [-1, 1, -1, 1], atol=1e-5)
        weights = [float(w[0]) for w in layer.get_weights()]
        # Means 2 and 20, variances 1 and 100: half of the way from 0 to 11,
        # and from 1 to 50.5.
        np.testing.assert_allclose(weights, [1, 0, 5.5, 25.75], atol=1e-5)
        outputs = to_numpy(layer(x, training=False))
        np.testing.assert_allclose(
            outputs.ravel(),
            (x.ravel() - 5.5) / np.sqrt(25.75),
            rtol=1e-5,
        )

    @parameterized.product(activation=(None, "relu"), sub_batch_size=(1, 2, 3))
    def test_sub_batches_are_batches(self, activation, sub_batch_size):
        x = 3 + 2 * self.draw(6, 2, 3, 4, 5)
        layer, plain = (
            self.build(
                FusedBatchNormalization(activation=activation, **kwargs), 5
            )
            for kwargs in ({"sub_batch_size": sub_batch_size}, {})
        )
        plain.set_weights(layer.get_weights())
        before = layer.get_weights()
        gradient = self.draw(*x.shape, seed=1)
        outputs, gradients = layer_gradients(layer, x, gradient, True)
        parts, means, variances = [], [], []
        total = 0
        count = 6 // sub_batch_size
        for part in zip(
            np.split(x, count), np.split(gradient, count), strict=True
        ):
            plain.set_weights(before)
            y, part_gradients = layer_gradients(plain, *part, True)
            parts.append((to_numpy(y), part_gradients[0]))
            total = total + np.stack(part_gradients[1:])
            means.append(plain.get_weights()[2])
            variances.append(plain.get_weights()[3])
        expected, x_gradient = map(np.concatenate, zip(*parts, strict=True))
        np.testing.assert_allclose(to_numpy(outputs), expected, atol=1e-5)
        np.testing.assert_allclose(gradients[0], x_gradient, atol=1e-4)
        np.testing.assert_allclose(np.stack(gradients[1:]), total, atol=1e-3)
        _, _, mean, variance = layer.get_weights()
        np.testing.assert_allclose(mean, np.mean(means, 0), rtol=1e-5)
        np.testing.assert_allclose(variance, np.mean(variances, 0), rtol=1e-4)

    def test_one_sub_batch_is_the_batch(self):
        x = 3 + 2 * self.draw(4, 2, 3, 4, 5)
        layer = self.build(FusedBatchNormalization(sub_batch_size=4), 5)
        other = self.build(FusedBatchNormalization(), 5)
        self.assert_layers_equal(layer, other, x, training=True)

    def test_other_multiple_of_clips(self):
        layer = FusedBatchNormalization(sub_batch_size=2)
        with self.assertRaisesRegex(
            ValueError, r"multiple of 2 clips.*inputs.shape=.*3, 1, 1, 1, 4"
        ):
            layer(np.ones((3, 1, 1, 1, 4), "float32"), training=True)
        layer(np.ones((3, 1, 1, 1, 4), "float32"), training=False)

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
        for size in (None, 1):
            self.run_mixed_precision_test(
                lambda dtype, size=size: FusedBatchNormalization(
                    activation="relu", sub_batch_size=size, dtype=dtype
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
                sub_batch_size=1,
                gamma_initializer="zeros",
                name="norm",
            )
        )

    @parameterized.named_parameters(
        ("activation", {"activation": "gelu"}, "activation='gelu'"),
        ("axis", {"axis": 1}, "axis=1, center=True, scale=True"),
        ("center", {"center": False}, "axis=-1, center=False, scale=True"),
        ("sub_batch_size", {"sub_batch_size": 0}, "sub_batch_size=0"),
        ("scale", {"scale": False}, "axis=-1, center=True, scale=False"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, f"Received: {message}"):
            FusedBatchNormalization(**kwargs)

    def test_invalid_inputs(self):
        self.run_other_inputs_test(FusedBatchNormalization())
        self.run_unknown_channels_test(FusedBatchNormalization())
