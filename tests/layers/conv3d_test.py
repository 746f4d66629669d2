import keras
import numpy as np
from absl.testing import parameterized
from layer_test_case import LayerTestCase

from ssdet_keras.layers.bottleneck_block3d import BottleneckBlock3D
from ssdet_keras.layers.conv3d import Conv3D
from ssdet_keras.layers.conv_norm3d import ConvNorm3D
from ssdet_keras.layers.inception_block3d import InceptionBlock3D
from ssdet_keras.layers.max_pooling3d import MaxPooling3D
from ssdet_keras.layers.pointwise_conv3d import PointwiseConv3D

LAYERS = {
    "conv": lambda **kwargs: Conv3D(3, 3, 2, "tensorflow", **kwargs),
    "conv_norm": lambda **kwargs: ConvNorm3D(3, (1, 3, 3), 1, **kwargs),
    "inception": lambda **kwargs: InceptionBlock3D(
        (1, 2, 1, 2, 1, 2), **kwargs
    ),
    "bottleneck": lambda **kwargs: BottleneckBlock3D(2, 4, 3, 2, **kwargs),
    "bottleneck_identity": lambda **kwargs: BottleneckBlock3D(2, 4, **kwargs),
}


class Conv3DTest(LayerTestCase):
    @parameterized.parameters(("tensorflow", 2), ("tensorflow", 1), ("same", 1))
    def test_equals_keras(self, padding, stride):
        layer = self.build(Conv3D(3, (3, 3, 1), (stride, 1, 1), padding), 4)
        other = keras.layers.Conv3D(
            3, (3, 3, 1), (stride, 1, 1), padding="same"
        )
        x = self.draw(2, 4, 5, 4, 4)
        other.build(x.shape)
        self.assert_layers_equal(layer, other, x, training=True)

    @parameterized.parameters(*LAYERS)
    def test_unknown_sizes(self, name):
        self.run_unknown_sizes_test(LAYERS[name](), 4)

    @parameterized.parameters(*LAYERS)
    def test_round_trip(self, name):
        self.run_round_trip_test(LAYERS[name](name="layer"))

    @parameterized.parameters(*LAYERS)
    def test_invalid_inputs(self, name):
        self.run_other_inputs_test(LAYERS[name]())
        self.run_unknown_channels_test(LAYERS[name]())

    def test_convolution_of_one_pixel(self):
        self.assertIsInstance(ConvNorm3D(3, 1, (1, 2, 2)).conv, PointwiseConv3D)
        self.assertIsInstance(ConvNorm3D(3, 1, (2, 2, 2)).conv, Conv3D)

    def test_max_pooling(self):
        layer = MaxPooling3D((1, 1, 3), (1, 1, 2), "tensorflow", name="pool")
        x = np.arange(1, 7, dtype="float32").reshape(1, 1, 1, 6, 1)
        outputs = keras.ops.convert_to_numpy(layer(x))
        self.assertEqual(outputs.ravel().tolist(), [3, 5, 6])
        self.assertEqual(outputs.shape, layer.compute_output_shape(x.shape))
        self.run_round_trip_test(layer)

    @parameterized.named_parameters(
        ("filters", lambda: Conv3D(0, 3), "filters=0"),
        ("kernel_size", lambda: Conv3D(2, (3, 3)), r"kernel_size=\(3, 3\)"),
        ("strides", lambda: Conv3D(2, 3, 0), "strides=0"),
        ("padding", lambda: Conv3D(2, 3, padding="full"), "padding='full'"),
        ("even", lambda: Conv3D(2, 2), r"kernel_size=\(2, 2, 2\)"),
        (
            "large_stride",
            lambda: Conv3D(2, 1, 2, "tensorflow"),
            r"strides=\(2, 2, 2\)",
        ),
        ("pool_size", lambda: MaxPooling3D(0, 1), "pool_size=0"),
        ("branches", lambda: InceptionBlock3D((1, 2)), r"filters=\(1, 2\)"),
        (
            "activation",
            lambda: ConvNorm3D(2, 3, activation="silu"),
            "activation='silu'",
        ),
        (
            "small",
            lambda: Conv3D(2, 3, padding="valid")(np.ones((1, 2, 4, 4, 3))),
            "smaller than the kernel",
        ),
    )
    def test_invalid_arguments(self, make, message):
        with self.assertRaisesRegex(ValueError, message):
            make()
