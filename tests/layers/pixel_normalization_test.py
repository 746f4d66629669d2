import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.layers.pixel_normalization import PixelNormalization


class PixelNormalizationTest(parameterized.TestCase):
    @parameterized.parameters(
        ("kinetics", [(255 - 110.64) / 38.76, (255 - 96.29) / 40.03]),
        ("charades", [(1 - 0.413) / 0.131, (1 - 0.338) / 0.132]),
        ("i3d", [1, 1]),
        ("imagenet", [(255 - 123.675) / 58.395, (255 - 103.53) / 57.375]),
        ("pytorchvideo", [(1 - 0.45) / 0.225] * 2),
    )
    def test_values(self, statistics, expected):
        pixels = np.full((1, 1, 1, 1, 3), 255, "uint8")
        outputs = PixelNormalization(statistics)(pixels)
        outputs = keras.ops.convert_to_numpy(outputs).ravel()[[0, 2]]
        np.testing.assert_allclose(outputs, expected, rtol=1e-5)

    def test_computes_in_float32(self):
        # 201 + 0.4 is not a bfloat16.
        pixels = np.full((1, 3), 201.4, "float32")
        layer = PixelNormalization("pytorchvideo", dtype="mixed_bfloat16")
        outputs = layer(pixels)
        self.assertEqual(
            keras.backend.standardize_dtype(outputs.dtype), "bfloat16"
        )
        expected = keras.ops.cast((201.4 / 255 - 0.45) / 0.225, "bfloat16")
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float32")),
            np.full((1, 3), float(expected)),
        )

    def test_round_trip(self):
        layer = PixelNormalization("charades", name="normalize")
        restored = PixelNormalization.from_config(layer.get_config())
        self.assertEqual(restored.get_config(), layer.get_config())
        self.assertEqual(restored.statistics, "charades")

    def test_invalid_statistics(self):
        with self.assertRaisesRegex(ValueError, "statistics='mean'"):
            PixelNormalization("mean")
