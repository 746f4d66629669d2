import keras
import numpy as np
from absl.testing import parameterized
from layer_test_case import LayerTestCase
from ops.gradients import to_numpy

from ssdet_keras.layers.convolve_normalized import convolve_normalized
from ssdet_keras.layers.depthwise_conv3d import DepthwiseConv3D
from ssdet_keras.layers.fused_batch_normalization import FusedBatchNormalization
from ssdet_keras.layers.pointwise_conv3d import PointwiseConv3D

CONVOLUTIONS = {
    "pointwise": lambda: PointwiseConv3D(3, stride=2, use_bias=False),
    "depthwise": lambda: DepthwiseConv3D(3, strides=(1, 2, 2), use_bias=False),
    "temporal": lambda: DepthwiseConv3D((5, 1, 1), use_bias=False),
}


class Separate(keras.layers.Layer):
    """`norm(convolution(inputs))`."""

    def __init__(self, convolution, norm):
        super().__init__()
        self.convolution = convolution
        self.norm = norm

    def build(self, input_shape):
        self.convolution.build(input_shape)
        self.norm.build(self.compute_output_shape(input_shape))

    def compute_output_shape(self, input_shape):
        return self.convolution.compute_output_shape(input_shape)

    def call(self, inputs, training=None):
        return self.norm(self.convolution(inputs), training=training)


class Together(Separate):
    def call(self, inputs, training=None):
        return convolve_normalized(
            self.convolution, self.norm, inputs, training
        )


class ConvolveNormalizedTest(LayerTestCase):
    def check(self, name, activation, training, trainable):
        x = self.draw(2, 4, 5, 4, 3)
        layers = []
        for layer_class in (Together, Separate):
            norm = FusedBatchNormalization(activation=activation)
            norm.trainable = trainable
            layers.append(
                self.build(layer_class(CONVOLUTIONS[name](), norm), 3)
            )
        before = layers[0].get_weights()
        self.assert_layers_equal(*layers, x, training, atol=1e-5)
        changes = any(
            (a != b).any()
            for a, b in zip(before, layers[0].get_weights(), strict=True)
        )
        self.assertEqual(changes, training and trainable)

    @parameterized.product(name=tuple(CONVOLUTIONS), activation=(None, "relu"))
    def test_inference(self, name, activation):
        self.check(name, activation, training=False, trainable=True)

    @parameterized.parameters(False, True)
    def test_shortcut(self, training):
        x = self.draw(2, 4, 5, 4, 3)
        norm = FusedBatchNormalization()
        layer = self.build(Separate(CONVOLUTIONS["pointwise"](), norm), 3)
        shortcut = keras.ops.convert_to_tensor(self.draw(2, 4, 3, 2, 3))
        expected = keras.ops.relu(layer(x, training=training) + shortcut)
        outputs = convolve_normalized(
            layer.convolution,
            norm,
            keras.ops.convert_to_tensor(x),
            training,
            shortcut,
        )
        np.testing.assert_allclose(
            to_numpy(outputs), to_numpy(expected), atol=1e-5
        )

    def test_training(self):
        self.check("pointwise", "relu", training=True, trainable=True)

    @parameterized.parameters("pointwise", "depthwise")
    def test_frozen_norm(self, name):
        self.check(name, "relu", training=True, trainable=False)

    def test_folds_moving_averages_alone(self):
        norm = self.build(FusedBatchNormalization(), 3)
        self.assertTrue(norm.uses_batch_statistics(True))
        self.assertFalse(norm.uses_batch_statistics(False))
        self.assertFalse(norm.uses_batch_statistics(None))
        norm.trainable = False
        self.assertFalse(norm.uses_batch_statistics(True))
