import keras
import numpy as np
from absl.testing import parameterized
from layer_test_case import LayerTestCase
from ops.gradients import to_numpy

from ssdet_keras.layers.pointwise_conv3d import PointwiseConv3D


class PointwiseConv3DTest(LayerTestCase):
    def test_values(self):
        layer = PointwiseConv3D(2, stride=2, bias_initializer="ones")
        layer.build((None, None, None, None, 1))
        layer.kernel.assign([[1.0, 10.0]])
        x = np.arange(9, dtype="float32").reshape(1, 1, 3, 3, 1)
        self.assertEqual(
            to_numpy(layer(x))[0, 0].tolist(),
            [[[1, 1], [3, 21]], [[7, 61], [9, 81]]],
        )

    @parameterized.parameters((1, True), (2, False))
    def test_equals_keras(self, stride, use_bias):
        layer = self.build(
            PointwiseConv3D(3, stride=stride, use_bias=use_bias), 4
        )
        other = keras.layers.Conv3D(
            3, 1, strides=(1, stride, stride), use_bias=use_bias
        )
        x = self.draw(2, 3, 5, 4, 4)
        other.build(x.shape)
        self.assertLen(layer.weights, 2 if use_bias else 1)
        self.assert_layers_equal(layer, other, x, training=True)

    def test_initial_weights(self):
        keras.utils.set_random_seed(0)
        layer = PointwiseConv3D(500)
        layer.build((None, None, None, None, 50))
        kernel, bias = layer.get_weights()
        self.assertEqual(kernel.shape, (50, 500))
        self.assertAlmostEqual(kernel.std(), (2 / 50) ** 0.5, delta=0.01)
        self.assertEqual(bias.tolist(), [0] * 500)

    @parameterized.parameters(1, 2)
    def test_unknown_sizes(self, stride):
        self.run_unknown_sizes_test(PointwiseConv3D(3, stride=stride), 4)

    def test_mixed_precision(self):
        self.run_mixed_precision_test(
            lambda dtype: PointwiseConv3D(3, stride=2, dtype=dtype),
            self.draw(2, 3, 5, 4, 4),
            training=True,
        )

    def test_round_trip(self):
        self.run_round_trip_test(
            PointwiseConv3D(
                5,
                stride=2,
                use_bias=False,
                kernel_initializer=keras.initializers.Constant(0.5),
                bias_initializer="ones",
                name="mix",
            )
        )

    @parameterized.named_parameters(
        ("filters", {"filters": 0}, "filters=0, stride=1"),
        ("stride", {"filters": 2, "stride": 0}, "filters=2, stride=0"),
        ("fraction", {"filters": 1.5}, "filters=1.5, stride=1"),
        ("text", {"filters": "3"}, "filters='3', stride=1"),
    )
    def test_invalid_arguments(self, kwargs, message):
        expected = "must be positive integers. Received: " + message
        with self.assertRaisesRegex(ValueError, expected):
            PointwiseConv3D(**kwargs)

    def test_invalid_inputs(self):
        self.run_other_inputs_test(PointwiseConv3D(3))
        self.run_unknown_channels_test(PointwiseConv3D(3))
