import keras
import numpy as np
from layer_test_case import LayerTestCase
from ops.gradients import to_numpy

from ssdet_keras.layers.temporal_subsampling import TemporalSubsampling
from ssdet_keras.layers.temporal_upsampling import TemporalUpsampling


class TemporalSubsamplingTest(LayerTestCase):
    def test_values(self):
        for ratio, num_frames, expected in (
            (4, 16, [2, 6, 10, 14]),
            (4, 8, [2, 6]),
            (4, 5, [1, 3]),
            (4, 3, [1]),
            (4, 1, [0]),
            (3, 6, [1, 4]),
            (1, 3, [0, 1, 2]),
        ):
            frames = np.arange(num_frames, dtype="int32")[None]
            outputs = TemporalSubsampling(ratio)(frames)
            self.assertEqual(keras.backend.standardize_dtype(outputs.dtype), "int32")
            self.assertEqual(to_numpy(outputs).tolist(), [expected])

    def test_upsampling_puts_frames_where_they_came_from(self):
        for num_frames in (4, 5, 9, 13, 30):
            frames = np.arange(num_frames, dtype="float32")[None, :, None]
            steps = TemporalSubsampling(4)(frames)
            outputs = to_numpy(TemporalUpsampling()(steps, frames)).ravel()
            # Ends are held. In between, the middle of four frames is half a
            # frame away from the frame that was taken.
            middle = slice(2, num_frames - 2)
            error = np.abs(outputs - np.arange(num_frames))[middle]
            self.assertLessEqual(error.max(initial=0), 1)

    def test_unknown_lengths(self):
        inputs = keras.Input((None, 2, 3, 4))
        model = keras.Model(inputs, TemporalSubsampling(4)(inputs))
        self.assertEqual(model.output_shape, (None, None, 2, 3, 4))
        for num_frames in (8, 5):
            x = self.draw(2, num_frames, 2, 3, 4)
            expected = to_numpy(TemporalSubsampling(4)(x))
            np.testing.assert_array_equal(model.predict_on_batch(x), expected)
            self.assertEqual(expected.shape, (2, 2, 2, 3, 4))

    def test_mixed_precision(self):
        layer = TemporalSubsampling(2, dtype="mixed_bfloat16")
        outputs = layer(self.draw(1, 4, 3))
        self.assertEqual(
            keras.backend.standardize_dtype(outputs.dtype), "bfloat16"
        )
        self.assertEqual(layer(keras.Input((4, 3))).dtype, "bfloat16")

    def test_round_trip(self):
        self.run_round_trip_test(TemporalSubsampling(3, name="fewer"))

    def test_invalid_ratio(self):
        for ratio in (0, 1.5):
            with self.assertRaisesRegex(
                ValueError, f"`ratio` must be .*ratio={ratio}"
            ):
                TemporalSubsampling(ratio)
