import keras
import numpy as np
from absl.testing import parameterized
from layer_test_case import LayerTestCase

from ssdet_keras.layers.depthwise_conv3d import DepthwiseConv3D


class DepthwiseConv3DTest(LayerTestCase):
    def test_values(self):
        layer = DepthwiseConv3D(
            (3, 1, 1), kernel_initializer="ones", bias_initializer="ones"
        )
        x = np.array([[1, 10], [2, 20], [3, 30], [4, 40]], "float32")
        outputs = layer(x.reshape(1, 4, 1, 1, 2))
        self.assertEqual(
            keras.ops.convert_to_numpy(outputs).reshape(4, 2).tolist(),
            [[4, 31], [7, 61], [10, 91], [8, 71]],
        )

    @parameterized.named_parameters(
        ("stride_1", 1, True), ("stride_2", (1, 2, 2), False)
    )
    def test_shapes_and_weights(self, strides, use_bias):
        layer = DepthwiseConv3D((3, 5, 3), strides=strides, use_bias=use_bias)
        x = np.ones((2, 4, 7, 8, 6), "float32")
        outputs = layer(x)
        self.assertEqual(
            tuple(outputs.shape), layer.compute_output_shape(x.shape)
        )
        self.assertEqual(tuple(layer.kernel.shape), (3, 5, 3, 6))
        self.assertLen(layer.weights, 2 if use_bias else 1)
        self.assertEqual(
            layer.compute_output_shape((None, None, None, 8, 6))[:3],
            (None, None, None),
        )

    def test_he_normal_fan_in_is_the_number_of_taps(self):
        keras.utils.set_random_seed(0)
        layer = DepthwiseConv3D((5, 1, 1))
        layer.build((None, None, None, None, 20_000))
        kernel = keras.ops.convert_to_numpy(layer.kernel)
        self.assertAlmostEqual(kernel.std(), (2 / 5) ** 0.5, delta=0.01)

    def test_fits_with_unknown_sizes_and_regularizer(self):
        inputs = keras.Input((None, None, None, 2))
        layer = DepthwiseConv3D(3, kernel_regularizer=keras.regularizers.L2(1))
        outputs = layer(inputs)
        self.assertEqual(outputs.shape, (None, None, None, None, 2))
        model = keras.Model(
            inputs, keras.layers.GlobalAveragePooling3D()(outputs)
        )
        model.compile(keras.optimizers.SGD(0.1), "mse")
        before = keras.ops.convert_to_numpy(layer.kernel).copy()
        x = np.zeros((2, 3, 4, 4, 2), "float32")
        model.fit(x, np.zeros((2, 2)), verbose=0)
        # Only the penalty has a gradient: k <- k - 0.1 * 2 k.
        after = keras.ops.convert_to_numpy(layer.kernel)
        np.testing.assert_allclose(after, 0.8 * before, atol=1e-5)
        self.assertEqual(
            model.predict(np.zeros((1, 5, 6, 3, 2)), verbose=0).shape, (1, 2)
        )

    def test_round_trip(self):
        layer = DepthwiseConv3D(
            (3, 3, 1),
            strides=(2, 1, 1),
            padding="valid",
            use_bias=False,
            kernel_initializer=keras.initializers.Constant(0.5),
            kernel_regularizer="l2",
            kernel_constraint="non_neg",
            name="conv",
        )
        config = layer.get_config()
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        self.assertEqual(restored.get_config(), config)
        self.assertEqual(restored.kernel_size, (3, 3, 1))
        self.assertEqual(restored.strides, (2, 1, 1))
        self.assertEqual(restored.padding, "valid")
        self.assertFalse(restored.use_bias)

    def test_equals_keras(self):
        layer = self.build(DepthwiseConv3D(3, strides=2, padding="valid"), 3)
        other = keras.layers.Conv3D(3, 3, strides=2, groups=3)
        x = self.draw(2, 5, 6, 7, 3)
        other.build(x.shape)
        self.assert_layers_equal(layer, other, x, training=True)

    @parameterized.named_parameters(
        ("cube", 3, 1), ("strides", 3, 2), ("temporal", (5, 1, 1), 1)
    )
    def test_unknown_sizes(self, kernel_size, strides):
        layer = DepthwiseConv3D(kernel_size, strides=strides)
        self.run_unknown_sizes_test(layer, 3)

    def test_mixed_precision(self):
        self.run_mixed_precision_test(
            lambda dtype: DepthwiseConv3D(3, dtype=dtype),
            self.draw(1, 2, 3, 3, 2),
            training=True,
        )

    @parameterized.named_parameters(
        ("kernel_size", {"kernel_size": 0}, "kernel_size=0"),
        ("kernel_rank", {"kernel_size": (3, 3)}, r"kernel_size=\(3, 3\)"),
        ("even", {"kernel_size": 2}, r"kernel_size=\(2, 2, 2\)"),
        ("padding", {"kernel_size": 3, "padding": "full"}, "padding='full'"),
        (
            "strides",
            {"kernel_size": 3, "strides": (1, 1, 2)},
            r"strides=\(1, 1, 2\)",
        ),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            DepthwiseConv3D(**kwargs)

    def test_invalid_inputs(self):
        self.run_other_inputs_test(DepthwiseConv3D(3))
        self.run_unknown_channels_test(DepthwiseConv3D(3))

    def test_inputs_smaller_than_the_kernel(self):
        message = (
            r"smaller than the kernel. Received: input_shape=\(1, 2, 4, 4, 1\),"
            r" kernel_size=\(3, 3, 3\)"
        )
        for inputs in (
            np.ones((1, 2, 4, 4, 1), "float32"),
            keras.KerasTensor((1, 2, 4, 4, 1)),
        ):
            with self.assertRaisesRegex(ValueError, message):
                DepthwiseConv3D(3, padding="valid")(inputs)
