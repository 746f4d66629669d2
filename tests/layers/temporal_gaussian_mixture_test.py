import keras
import numpy as np
from absl.testing import parameterized
from ops.gradients import to_numpy
from sequence_test_case import SequenceTestCase

from ssdet_keras.layers.cauchy_filters import cauchy_filters
from ssdet_keras.layers.temporal_gaussian_mixture import TemporalGaussianMixture


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


class TemporalGaussianMixtureTest(SequenceTestCase):
    @parameterized.parameters((1, 5), (3, 5), (3, 4), (2, 1))
    def test_agrees_with_definition(self, input_channels, kernel_size):
        layer = TemporalGaussianMixture(2, 6, kernel_size)
        self.build(layer, None, None, 4, input_channels)
        x = self.draw(1, 7, 4, input_channels)
        filters = to_numpy(
            cauchy_filters(
                to_numpy(layer.center),
                to_numpy(layer.gamma),
                kernel_size,
                kernel_size,
            )
        )
        attention = to_numpy(layer.attention).reshape(2, input_channels, 6)
        expected = np.zeros((1, 7, 4, 2))
        for o, i in np.ndindex(2, input_channels):
            kernel = softmax(attention[o, i]) @ filters
            convolved = np.zeros((7, 4))
            for t, k in np.ndindex(7, kernel_size):
                source = t + k - (kernel_size - 1) // 2
                if 0 <= source < 7:
                    convolved[t] += kernel[k] * x[0, source, :, i]
            if input_channels > 1:
                convolved *= to_numpy(layer.pointwise)[i, o]
            expected[0, :, :, o] += convolved
        if input_channels > 1:
            expected = np.maximum(expected + to_numpy(layer.bias), 0)
        np.testing.assert_allclose(to_numpy(layer(x)), expected, atol=1e-5)

    def test_unknown_steps(self):
        layer = self.build(TemporalGaussianMixture(2), None, None, 4, 3)
        inputs = keras.Input((None, 4, 3))
        model = keras.Model(inputs, layer(inputs))
        self.assertEqual(model.output_shape, (None, None, 4, 2))
        for num_steps in (1, 9):
            x = self.draw(2, num_steps, 4, 3)
            np.testing.assert_allclose(
                model.predict_on_batch(x), to_numpy(layer(x)), atol=1e-5
            )

    @parameterized.parameters(1, 3)
    def test_gradients(self, input_channels):
        self.run_gradients_test(
            TemporalGaussianMixture(2, 3), self.draw(2, 6, 4, input_channels)
        )

    def test_round_trip(self):
        self.run_round_trip_test(TemporalGaussianMixture(2, 3, 7, name="tgm"))

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(
            ValueError, "channels=0, num_filters=16, kernel_size=5"
        ):
            TemporalGaussianMixture(0)
