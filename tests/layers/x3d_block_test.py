import keras
import numpy as np
from absl.testing import parameterized
from layer_test_case import LayerTestCase
from ops.gradients import to_numpy

from ssdet_keras.layers.x3d_block import X3DBlock


class PlainBlock(keras.layers.Layer):
    """The same of plain Keras layers, one operation each."""

    def __init__(self, inner_filters, filters, stride, squeeze_units, shortcut):
        super().__init__()
        strides = (1, stride, stride)
        self.expand = keras.layers.Conv3D(inner_filters, 1, use_bias=False)
        self.expand_norm = self._norm()
        self.depthwise = keras.layers.Conv3D(
            inner_filters,
            3,
            strides=strides,
            groups=inner_filters,
            use_bias=False,
        )
        self.depthwise_norm = self._norm()
        self.squeeze = None
        if squeeze_units:
            self.squeeze = keras.layers.Dense(squeeze_units, "relu")
            self.excite = keras.layers.Dense(inner_filters, "sigmoid")
        self.project = keras.layers.Conv3D(filters, 1, use_bias=False)
        self.project_norm = self._norm()
        self.shortcut = self.shortcut_norm = None
        if shortcut != "identity":
            self.shortcut = keras.layers.Conv3D(
                filters, 1, strides=strides, use_bias=False
            )
        if shortcut == "normalized":
            self.shortcut_norm = self._norm()

    def _norm(self):
        return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)

    def call(self, inputs, training=None):
        x = self.expand_norm(self.expand(inputs), training=training)
        x = keras.ops.relu(x)
        x = keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (1, 1), (0, 0)))
        x = self.depthwise_norm(self.depthwise(x), training=training)
        if self.squeeze is not None:
            means = keras.ops.mean(x, (1, 2, 3), keepdims=True)
            x = x * self.excite(self.squeeze(means))
        x = x * keras.ops.sigmoid(x)
        x = self.project_norm(self.project(x), training=training)
        shortcut = inputs
        if self.shortcut is not None:
            shortcut = self.shortcut(shortcut)
        if self.shortcut_norm is not None:
            shortcut = self.shortcut_norm(shortcut, training=training)
        return keras.ops.relu(x + shortcut)


def names(layer):
    return sorted({weight.path.split("/")[1] for weight in layer.weights})


class X3DBlockTest(LayerTestCase):
    @parameterized.product(
        (
            {"filters": 4, "stride": 1, "units": 3, "shortcut": "identity"},
            {"filters": 4, "stride": 2, "units": 0, "shortcut": "strided"},
            {"filters": 5, "stride": 2, "units": 3, "shortcut": "normalized"},
        ),
        training=(False, True),
    )
    def test_equals_plain_layers(
        self, filters, stride, units, shortcut, training
    ):
        x = self.draw(2, 3, 5, 4, 4)
        block = X3DBlock(6, filters, stride=stride, squeeze_units=units)
        other = PlainBlock(6, filters, stride, units, shortcut)
        other(x)
        self.assert_layers_equal(self.build(block, 4), other, x, training)

    def test_starts_as_its_shortcut(self):
        # The last gamma is zero, so that the branch adds nothing.
        block = X3DBlock(8, 4, squeeze_units=8)
        x = self.draw(2, 3, 5, 5, 4)
        np.testing.assert_allclose(
            to_numpy(block(x)), np.maximum(x, 0), atol=1e-6
        )

    def test_branch_adds_something_without_zero_init(self):
        block = X3DBlock(8, 4, zero_init_residual=False)
        x = self.draw(2, 3, 5, 5, 4)
        outputs = to_numpy(block(x, training=True))
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

    def test_keeps_its_inputs(self):
        # In a prediction no gradients are recorded.
        inputs = keras.Input((2, 3, 3, 4))
        block = self.build(X3DBlock(6, 4, squeeze_units=3), 4)
        model = keras.Model(
            inputs, keras.layers.Subtract()([inputs, block(inputs)])
        )
        x = self.draw(1, 2, 3, 3, 4)
        np.testing.assert_allclose(
            model.predict(x, verbose=0), x - to_numpy(block(x)), atol=1e-5
        )

    @parameterized.parameters(1, 2)
    def test_unknown_sizes(self, stride):
        block = X3DBlock(6, 5, stride=stride, squeeze_units=3)
        self.run_unknown_sizes_test(block, 4)

    @parameterized.parameters(False, True)
    def test_mixed_precision(self, training):
        self.run_mixed_precision_test(
            lambda dtype: X3DBlock(
                6, 5, stride=2, squeeze_units=3, dtype=dtype
            ),
            self.draw(2, 3, 5, 4, 4),
            training,
        )

    def test_frozen_block_keeps_its_averages(self):
        block = self.build(X3DBlock(8, 6), 4)
        x = self.draw(2, 3, 5, 5, 4)
        block.trainable = False
        before = block.get_weights()
        outputs = to_numpy(block(x, training=True))
        for a, b in zip(before, block.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(outputs, to_numpy(block(x)), atol=1e-6)

    def test_round_trip(self):
        self.run_round_trip_test(
            X3DBlock(
                8,
                4,
                stride=2,
                squeeze_units=8,
                zero_init_residual=False,
                name="block",
            )
        )

    @parameterized.named_parameters(
        ("inner_filters", {"inner_filters": 0}, "filters=0, stride=1"),
        ("filters", {"filters": -1}, "filters=-1, stride=1"),
        ("stride", {"stride": 0}, r"strides=\(1, 0, 0\)"),
        ("squeeze_units", {"squeeze_units": -1}, "units=-1"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            X3DBlock(**{"inner_filters": 2, "filters": 2, **kwargs})

    def test_invalid_inputs(self):
        self.run_other_inputs_test(X3DBlock(3, 3))
        self.run_unknown_channels_test(X3DBlock(3, 3))
