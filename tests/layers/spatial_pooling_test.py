import keras
import numpy as np
from layer_test_case import LayerTestCase
from ops.gradients import to_numpy

from ssdet_keras.layers.spatial_pooling import SpatialPooling


class SpatialPoolingTest(LayerTestCase):
    def test_values(self):
        x = np.zeros((1, 1, 8, 2, 1), "float32")
        x[0, 0, :, :, 0] = np.arange(8)[:, None] + [0, 10]
        outputs = to_numpy(SpatialPooling(3)(x))[0, 0, :, :, 0]
        # Rows 0 to 2, 2 to 5 and 5 to 7; columns 0, both and 1.
        expected = np.array([[1], [3.5], [6]]) + [0, 5, 10]
        np.testing.assert_allclose(outputs, expected, rtol=1e-6)

    def test_keeps_the_mean(self):
        x = self.draw(2, 3, 14, 28, 4)
        outputs = to_numpy(SpatialPooling(7)(x))
        self.assertEqual(outputs.shape, (2, 3, 7, 7, 4))
        np.testing.assert_allclose(
            outputs.mean(axis=(2, 3)), x.mean(axis=(2, 3)), atol=1e-5
        )

    def test_every_window(self):
        # Keras gives NaN on JAX where frames are smaller than the outputs.
        for height, width in ((4, 13), (7, 7), (1, 30)):
            x = self.draw(1, 2, height, width, 3)
            outputs = to_numpy(SpatialPooling(7)(x))
            for i, j in np.ndindex(7, 7):
                rows = slice(i * height // 7, -(-(i + 1) * height // 7))
                columns = slice(j * width // 7, -(-(j + 1) * width // 7))
                np.testing.assert_allclose(
                    outputs[:, :, i, j],
                    x[:, :, rows, columns].mean(axis=(2, 3)),
                    atol=1e-5,
                )

    def test_unknown_sizes(self):
        inputs = keras.Input((None, None, None, 4))
        model = keras.Model(inputs, SpatialPooling(2)(inputs))
        self.assertEqual(model.output_shape, (None, None, 2, 2, 4))
        for height, width in ((4, 6), (5, 3)):
            x = self.draw(1, 2, height, width, 4)
            np.testing.assert_allclose(
                model.predict_on_batch(x),
                to_numpy(SpatialPooling(2)(x)),
                atol=1e-6,
            )

    def test_round_trip(self):
        self.run_round_trip_test(SpatialPooling(3, name="pooling"))

    def test_invalid_size(self):
        with self.assertRaisesRegex(ValueError, "`size` must be .*size=0"):
            SpatialPooling(0)
