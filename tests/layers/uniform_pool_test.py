import keras
import numpy as np
from absl.testing import parameterized
from layer_test_case import LayerTestCase
from ops.gradients import to_numpy

from ssdet_keras.layers.temporal_upsampling import TemporalUpsampling
from ssdet_keras.layers.uniform_pool import UniformPool


class UniformPoolTest(LayerTestCase):
    @parameterized.parameters(
        ("stride", 8, [20, 60], [2, 6]),
        ("max", 8, [30, 70], [1.5, 5.5]),
        ("average", 8, [15, 55], [1.5, 5.5]),
        ("stride", 5, [10, 30], [1, 3]),
        ("max", 5, [30, 40], [1.5, 3.25]),
        ("average", 5, [15, 32.5], [1.5, 3.25]),
        ("average", 1, [0], [0]),
    )
    def test_values(self, mode, num_frames, expected, positions):
        x = 10 * np.arange(num_frames, dtype="float32")
        pooled, actual = UniformPool(mode)(x.reshape(1, -1, 1))
        np.testing.assert_allclose(to_numpy(pooled).ravel(), expected)
        np.testing.assert_allclose(
            to_numpy(actual), [np.array(positions) / num_frames], atol=1e-6
        )

    def test_upsampling_puts_averages_back(self):
        x = np.arange(16, dtype="float32").reshape(1, 16, 1)
        pooled, _ = UniformPool("average")(x)
        frames = to_numpy(TemporalUpsampling()(pooled, x))
        np.testing.assert_allclose(frames[0, 2:-2], x[0, 2:-2], atol=1e-5)

    @parameterized.parameters("stride", "max", "average")
    def test_unknown_sizes(self, mode):
        layer = UniformPool(mode, ratio=3)
        inputs = keras.Input((None, None, None, 2))
        model = keras.Model(inputs, layer(inputs))
        for shape in ((1, 3, 2, 2, 2), (2, 7, 1, 3, 2)):
            x = self.draw(*shape)
            known = layer(keras.KerasTensor(shape))
            for actual, wanted, spec in zip(
                model.predict_on_batch(x), layer(x), known, strict=True
            ):
                self.assertEqual(actual.shape, spec.shape)
                np.testing.assert_allclose(actual, to_numpy(wanted), atol=1e-6)

    def test_low_precision(self):
        pooled, positions = UniformPool(dtype="mixed_bfloat16")(
            self.draw(1, 4, 2)
        )
        dtypes = [
            keras.backend.standardize_dtype(x.dtype)
            for x in (pooled, positions)
        ]
        self.assertEqual(dtypes, ["bfloat16", "float32"])

    def test_round_trip(self):
        self.run_round_trip_test(UniformPool("max", ratio=2, name="pool"))

    def test_errors(self):
        with self.assertRaisesRegex(ValueError, "`mode` must be.*'median'"):
            UniformPool("median")
        with self.assertRaisesRegex(ValueError, "`ratio` must be.*ratio=0"):
            UniformPool(ratio=0)
