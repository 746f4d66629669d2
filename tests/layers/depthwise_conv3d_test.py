import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.layers.depthwise_conv3d import DepthwiseConv3D


class DepthwiseConv3DTest(parameterized.TestCase):
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

    def test_mixed_precision(self):
        layer = DepthwiseConv3D(3, dtype="mixed_bfloat16")
        outputs = layer(np.ones((1, 2, 3, 3, 2), "float32"))
        self.assertEqual(
            keras.backend.standardize_dtype(outputs.dtype), "bfloat16"
        )
        self.assertEqual(layer.kernel.dtype, "float32")

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
        with self.assertRaisesRegex(ValueError, "expected ndim=5"):
            DepthwiseConv3D(3)(np.ones((2, 3, 3, 2), "float32"))
        with self.assertRaisesRegex(ValueError, "channels of the inputs"):
            DepthwiseConv3D(3)(keras.KerasTensor((1, 2, 2, 2, None)))
        with self.assertRaisesRegex(ValueError, "smaller than the kernel"):
            DepthwiseConv3D(3, padding="valid")(
                keras.KerasTensor((1, 2, 4, 4, 1))
            )
