import keras
import numpy as np
from coarse_fine_golden import read_golden
from layer_test_case import LayerTestCase
from ops.gradients import to_numpy

from ssdet_keras.layers.grid_pool import GridPool
from ssdet_keras.layers.grid_unpool import GridUnpool
from ssdet_keras.layers.temporal_upsampling import TemporalUpsampling


class GridUnpoolTest(LayerTestCase):
    def test_values(self):
        positions = np.array([[0, 0.5, 1], [0, 0.25, 1]], "float32")
        x = np.array([[[0], [1], [4]], [[0], [1], [4]]], "float32")
        np.testing.assert_allclose(
            to_numpy(GridUnpool()(x, positions))[..., 0],
            [[0, 1, 4], [0, 2, 4]],
        )

    def test_golden(self):
        golden = read_golden()
        outputs = GridUnpool()(golden["unpool_inputs"], golden["positions"])
        np.testing.assert_allclose(
            to_numpy(outputs), golden["unpool_outputs"], atol=2e-5
        )

    def test_ramps_come_back(self):
        pool = self.build(GridPool(), 4)
        x = self.draw(3, 16, 6, 6, 4)
        ramp = np.linspace(-1, 3, 16, dtype="float32")[:, None, None, None]
        # Of the last channel, one ramp per clip, which the grid hardly sees.
        x[..., 3:] = ramp * np.array([1, -2, 3])[:, None, None, None, None]
        pooled, positions = pool(x)
        self.assertGreater(
            np.abs(to_numpy(positions) - np.linspace(0, 1, 5)).max(), 0.01
        )
        sequence = keras.ops.mean(pooled, axis=(2, 3))[..., 3:]
        unpooled = GridUnpool()(sequence, positions)
        frames = TemporalUpsampling(align_corners=True)(unpooled, x)
        np.testing.assert_allclose(
            to_numpy(frames), x[:, :, 0, 0, 3:], atol=1e-5
        )

    def test_random_ramps(self):
        rng = np.random.default_rng(0)
        for steps in (2, 5, 33):
            lengths = rng.random((20, steps - 1)) ** 8
            ends = lengths.cumsum(axis=1) / lengths.sum(axis=1, keepdims=True)
            positions = np.pad(ends, [(0, 0), (1, 0)]).astype("float32")
            positions[:, -1] = 1
            outputs = GridUnpool()(3 * positions[..., None] - 1, positions)
            np.testing.assert_allclose(
                to_numpy(outputs),
                np.tile(np.linspace(-1, 2, steps)[:, None], (20, 1, 1)),
                atol=1e-5,
            )

    def test_low_precision_keeps_positions(self):
        positions = np.array([[0, 0.5001, 1]], "float32")
        x = np.array([[[0], [100], [200]]], "float32")
        outputs = GridUnpool(dtype="mixed_float16")(x, positions)
        self.assertEqual(
            keras.backend.standardize_dtype(outputs.dtype), "float16"
        )
        np.testing.assert_allclose(to_numpy(outputs)[0, 1], 99.98, atol=0.05)

    def test_unknown_steps(self):
        inputs = keras.Input((None, 3)), keras.Input((None,))
        model = keras.Model(inputs, GridUnpool()(*inputs))
        self.assertEqual(model.output_shape, (None, None, 3))
        for steps in (2, 5):
            x = self.draw(2, steps, 3)
            positions = np.linspace(0, 1, steps, dtype="float32")
            positions = np.stack([positions, positions**2])
            np.testing.assert_allclose(
                model.predict_on_batch([x, positions]),
                to_numpy(GridUnpool()(x, positions)),
                atol=1e-6,
            )

    def test_round_trip(self):
        self.run_round_trip_test(GridUnpool(name="unpool"))
