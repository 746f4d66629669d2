import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.layers.squeeze_excite import SqueezeExcite
from ssdet_keras.layers.x3d_block import X3DBlock
from ssdet_keras.layers.x3d_stem import X3DStem


def names(layer):
    return sorted({weight.path.split("/")[1] for weight in layer.weights})


class X3DBlockTest(parameterized.TestCase):
    def test_starts_as_its_shortcut(self):
        # The last gamma is zero, so that the branch adds nothing.
        block = X3DBlock(8, 4, squeeze_units=8)
        x = np.random.default_rng(0).normal(size=(2, 3, 5, 5, 4))
        outputs = keras.ops.convert_to_numpy(block(x.astype("float32")))
        np.testing.assert_allclose(outputs, np.maximum(x, 0), atol=1e-6)

    def test_branch_adds_something_without_zero_init(self):
        block = X3DBlock(8, 4, zero_init_residual=False)
        x = np.random.default_rng(0).normal(size=(2, 3, 5, 5, 4))
        outputs = block(x.astype("float32"), training=True)
        outputs = keras.ops.convert_to_numpy(outputs)
        self.assertGreater(np.abs(outputs - np.maximum(x, 0)).mean(), 0.1)

    @parameterized.named_parameters(
        ("identity", 4, 1, False, False),
        ("stride", 4, 2, True, False),
        ("channels", 6, 1, True, True),
        ("both", 6, 2, True, True),
    )
    def test_shortcut(self, filters, stride, has_shortcut, has_norm):
        block = X3DBlock(8, filters, stride=stride)
        outputs = block(np.ones((1, 2, 5, 6, 4), "float32"))
        size = (5, 6) if stride == 1 else (3, 3)
        self.assertEqual(tuple(outputs.shape), (1, 2, *size, filters))
        self.assertEqual(
            block.compute_output_shape((1, None, None, 6, 4)),
            (1, None, None, size[1], filters),
        )
        self.assertEqual("shortcut" in names(block), has_shortcut)
        self.assertEqual("shortcut_norm" in names(block), has_norm)

    def test_branch(self):
        """An independent composition of Keras layers gives the same."""
        rng = np.random.default_rng(0)
        block = X3DBlock(6, 4, squeeze_units=8)
        block.build((None, None, None, None, 4))
        block.set_weights(
            [
                rng.uniform(0.2, 1, w.shape) - 0.4 * (w.ndim > 1)
                for w in block.get_weights()
            ]
        )
        x = rng.normal(size=(2, 4, 5, 5, 4)).astype("float32")

        def normalize(x, norm):
            gamma, beta, mean, variance = norm.get_weights()
            return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta

        def sigmoid(x):
            return 1 / (1 + np.exp(-x))

        y = np.maximum(
            normalize(x @ block.expand.get_weights()[0], block.expand_norm), 0
        )
        kernel = block.depthwise.get_weights()[0]
        padded = np.pad(y, [(0, 0), (1, 1), (1, 1), (1, 1), (0, 0)])
        y = sum(
            padded[:, i : i + 4, j : j + 5, k : k + 5] * kernel[i, j, k]
            for i in range(3)
            for j in range(3)
            for k in range(3)
        )
        y = normalize(y, block.depthwise_norm)
        reduce, reduce_bias = block.squeeze_excite.reduce.get_weights()
        expand, expand_bias = block.squeeze_excite.expand.get_weights()
        gates = np.maximum(y.mean((1, 2, 3)) @ reduce + reduce_bias, 0)
        gates = sigmoid(gates @ expand + expand_bias)
        y = y * gates[:, None, None, None]
        y = normalize(
            y * sigmoid(y) @ block.project.get_weights()[0], block.project_norm
        )
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(block(x)),
            np.maximum(x + y, 0),
            atol=1e-4,
        )

    @parameterized.parameters(
        (X3DBlock(8, 4, stride=2, squeeze_units=8, name="block"),),
        (X3DStem(8, keras.initializers.Constant(0.2), name="stem"),),
        (SqueezeExcite(8, name="squeeze"),),
    )
    def test_round_trip(self, layer):
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        self.assertEqual(restored.get_config(), layer.get_config())

    def test_frozen_block_keeps_its_averages(self):
        block = X3DBlock(8, 6)
        x = np.random.default_rng(0).normal(size=(2, 3, 5, 5, 4))
        block(x.astype("float32"))
        block.trainable = False
        before = block.get_weights()
        block(x.astype("float32"), training=True)
        for a, b in zip(before, block.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


class X3DStemTest(parameterized.TestCase):
    def test_values(self):
        stem = X3DStem(1, "ones")
        stem.build((None, None, None, None, 3))
        stem.spatial.kernel.assign(np.ones((3, 3, 3, 1)))
        x = np.ones((1, 2, 3, 4, 3), "float32")
        outputs = keras.ops.convert_to_numpy(stem(x))
        # Per frame the sums of 2x2 and 2x3 windows of 3 channels; over time
        # both frames are in reach.
        frame = 2 * np.array([[12, 18], [12, 18]]) / np.sqrt(1 + 1e-5)
        self.assertEqual(outputs.shape, (1, 2, 2, 2, 1))
        np.testing.assert_allclose(
            outputs[0, ..., 0], [frame, frame], rtol=1e-5
        )


class SqueezeExciteTest(parameterized.TestCase):
    def test_values(self):
        layer = SqueezeExcite(1)
        layer.build((None, None, None, None, 2))
        layer.reduce.set_weights([np.ones((2, 1)), np.zeros(1)])
        layer.expand.set_weights([np.array([[0.0, 1.0]]), np.zeros(2)])
        x = np.zeros((1, 1, 1, 2, 2), "float32")
        x[..., 0], x[..., 1] = [[[1, 3]]], 2
        # Means 2 and 2; gates sigmoid(0) and sigmoid(4).
        outputs = keras.ops.convert_to_numpy(layer(x))[0, 0, 0]
        np.testing.assert_allclose(outputs[:, 0], [0.5, 1.5], rtol=1e-6)
        np.testing.assert_allclose(outputs[:, 1], 1.964028, rtol=1e-5)

    def test_invalid_units(self):
        with self.assertRaisesRegex(ValueError, "units=0"):
            SqueezeExcite(0)
