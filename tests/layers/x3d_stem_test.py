import keras
import numpy as np
from absl.testing import parameterized
from layer_test_case import LayerTestCase
from ops.gradients import to_numpy

from ssdet_keras.layers.x3d_stem import X3DStem


class PlainStem(keras.layers.Layer):
    """The same of plain Keras layers."""

    def __init__(self, filters):
        super().__init__()
        self.spatial = keras.layers.Conv3D(
            filters, (1, 3, 3), strides=(1, 2, 2), use_bias=False
        )
        self.temporal = keras.layers.Conv3D(
            filters, (5, 1, 1), groups=filters, use_bias=False
        )
        self.norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)

    def call(self, inputs, training=None):
        x = keras.ops.pad(inputs, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)))
        x = self.spatial(x)
        x = keras.ops.pad(x, ((0, 0), (2, 2), (0, 0), (0, 0), (0, 0)))
        return keras.ops.relu(self.norm(self.temporal(x), training=training))


class X3DStemTest(LayerTestCase):
    def test_values(self):
        stem = X3DStem(1, "ones")
        stem.build((None, None, None, None, 3))
        stem.spatial.kernel.assign(np.ones((3, 3, 3, 1)))
        x = np.ones((1, 2, 3, 4, 3), "float32")
        outputs = to_numpy(stem(x))
        # Per frame the sums of 2x2 and 2x3 windows of 3 channels; over time
        # both frames are in reach.
        frame = 2 * np.array([[12, 18], [12, 18]]) / np.sqrt(1 + 1e-5)
        self.assertEqual(outputs.shape, (1, 2, 2, 2, 1))
        np.testing.assert_allclose(
            outputs[0, ..., 0], [frame, frame], rtol=1e-5
        )

    @parameterized.parameters(False, True)
    def test_equals_plain_layers(self, training):
        stem = self.build(X3DStem(4), 3)
        x = self.draw(2, 3, 6, 5, 3)
        other = PlainStem(4)
        other(x)
        self.assert_layers_equal(stem, other, x, training)

    def test_unknown_sizes(self):
        self.run_unknown_sizes_test(X3DStem(4), 3)

    @parameterized.parameters(False, True)
    def test_mixed_precision(self, training):
        self.run_mixed_precision_test(
            lambda dtype: X3DStem(4, dtype=dtype),
            self.draw(2, 3, 6, 5, 3),
            training,
        )

    def test_round_trip(self):
        self.run_round_trip_test(
            X3DStem(8, keras.initializers.Constant(0.2), name="stem")
        )

    def test_invalid_inputs(self):
        self.run_other_inputs_test(X3DStem(3))
        self.run_unknown_channels_test(X3DStem(3))
