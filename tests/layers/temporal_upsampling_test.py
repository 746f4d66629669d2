import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.layers.temporal_upsampling import TemporalUpsampling


class TemporalUpsamplingTest(parameterized.TestCase):
    @parameterized.parameters(
        ([0, 1], 4, [0, 0.25, 0.75, 1]),
        ([0, 1, 2], 3, [0, 1, 2]),
        ([5], 3, [5, 5, 5]),
        ([0, 3, 6], 6, [0, 0.75, 2.25, 3.75, 5.25, 6]),
    )
    def test_values(self, sequence, num_frames, expected):
        sequence = np.array(sequence, "float32").reshape(1, -1, 1)
        outputs = TemporalUpsampling()(
            sequence, np.zeros((1, num_frames, 2, 2, 3), "float32")
        )
        outputs = keras.ops.convert_to_numpy(outputs)
        self.assertEqual(outputs.shape, (1, num_frames, 1))
        np.testing.assert_allclose(outputs.ravel(), expected, atol=1e-6)

    @parameterized.parameters(
        ([0, 3], 4, [0, 1, 2, 3]),
        ([0, 1, 4], 5, [0, 0.5, 1, 2.5, 4]),
        ([5], 3, [5, 5, 5]),
        ([1, 5, 9], 1, [1]),
    )
    def test_aligned_corners(self, sequence, num_frames, expected):
        layer = TemporalUpsampling(align_corners=True)
        outputs = layer(
            np.array(sequence, "float32").reshape(1, -1, 1),
            np.zeros((1, num_frames, 1)),
        )
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(outputs).ravel(), expected, atol=1e-6
        )
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        self.assertTrue(restored.align_corners)

    def test_unknown_lengths(self):
        videos = keras.Input((None, 2, 2, 3))
        steps = keras.ops.mean(videos[:, ::2], axis=(2, 3))
        outputs = TemporalUpsampling()(steps, videos)
        self.assertEqual(outputs.shape, (None, None, 3))
        model = keras.Model(videos, outputs)
        x = np.arange(8, dtype="float32").reshape(1, 8, 1, 1, 1)
        x = np.tile(x, (1, 1, 2, 2, 3))
        scores = model.predict(x, verbose=0)[0, :, 0]
        np.testing.assert_allclose(
            scores, [0, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6], atol=1e-6
        )
