import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import Result


class ResultTest(parameterized.TestCase):
    def test_mean(self):
        result = Result.from_classes(
            "name", [0.5, np.nan, 1.0], [3, 0, 1], ["a", "b", "c"]
        )
        self.assertEqual(result.mean, 0.75)
        self.assertEqual(result.missing_classes, ("b",))
        self.assertEqual(str(result), "name: mAP 75.00 % (2 of 3 classes)")
        self.assertEqual(
            result.to_rows(), [("a", 3, 0.5), ("b", 0, None), ("c", 1, 1.0)]
        )

    def test_weighted_mean(self):
        result = Result.from_classes(
            "name", [0.5, np.nan, 1.0], [3.0, 0.0, 1.0], weighted=True
        )
        self.assertEqual(result.mean, (3 * 0.5 + 1.0) / 4)
        self.assertEqual(result.class_names, ("0", "1", "2"))
        self.assertEqual(result.num_positives.tolist(), [3, 0, 1])

    def test_no_positive(self):
        with self.assertRaisesRegex(ValueError, "`name` needs .* 2 classes"):
            Result.from_classes("name", [np.nan, np.nan], [0, 0])
