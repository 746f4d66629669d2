import collections

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import calibration

Record = collections.namedtuple("Record", ["id", "duration", "segments"])


class CalibrationTest(parameterized.TestCase):
    def test_by_hand(self):
        # One row per second. Class 0 in rows 2 to 4, class 1 in none.
        records = [Record("a", 5.0, ((0, 1.5, 9.0),))]
        scores = np.array([[0.1, 0], [0.5, 0], [0.7, 0], [0.4, 0], [1.0, 0.25]])
        found = calibration({"a": scores}, records, num_bins=2)
        # Below 0.5 one of 0.1 and 0.4, above two of 0.5, 0.7 and 1.
        expected = 2 / 5 * (1 / 2 - 0.25) + 3 / 5 * (2.2 / 3 - 2 / 3)
        np.testing.assert_allclose(found.per_class, [expected, 0.25 / 5])
        self.assertAlmostEqual(found.mean, (expected + 0.05) / 2)
        self.assertEqual(found.counts.tolist(), [[2, 3], [5, 0]])
        self.assertEqual(found.positives.tolist(), [[1, 2], [0, 0]])
        self.assertIn("(2 bins)", str(found))

        probability, frequency, count = found.reliability(0)
        np.testing.assert_allclose(probability, [0.25, 2.2 / 3])
        np.testing.assert_allclose(frequency, [1 / 2, 2 / 3])
        self.assertEqual(count.tolist(), [2, 3])
        probability, frequency, count = found.reliability(1)
        np.testing.assert_allclose(probability, [0.05])
        self.assertEqual((frequency.tolist(), count.tolist()), ([0.0], [5]))
        probability, frequency, count = found.reliability()
        np.testing.assert_allclose(probability, [0.75 / 7, 2.2 / 3])
        np.testing.assert_allclose(frequency, [1 / 7, 2 / 3])
        self.assertEqual(count.tolist(), [7, 3])

    def test_edges_of_bins(self):
        scores = np.arange(101)[:, None] / 100
        found = calibration({"a": scores}, [Record("a", 1.0, ())], num_bins=100)
        self.assertEqual(found.counts.tolist(), [[1] * 99 + [2]])

    @parameterized.product(num_bins=[1, 7, 15], dtype=["float32", "float64"])
    def test_naive_loops(self, num_bins, dtype):
        rng = np.random.default_rng(num_bins)
        predictions, records = {}, []
        bins = [[[] for _ in range(num_bins)] for _ in range(3)]
        for index in range(5):
            num_rows = int(rng.integers(20, 60))
            segments = [
                (int(c), *np.sort(rng.uniform(0, num_rows, 2)))
                for c in rng.integers(0, 3, 3)
            ]
            scores = rng.random((num_rows, 3)).astype(dtype)
            predictions[f"v{index}"] = scores
            records.append(Record(f"v{index}", float(num_rows), segments))
            for row in range(num_rows):
                for k in range(3):
                    label = any(
                        c == k and start < row < end
                        for c, start, end in segments
                    )
                    p = float(scores[row, k])
                    b = min(int(p * num_bins), num_bins - 1)
                    bins[k][b].append((p, label))
        found = calibration(predictions, records, num_bins)
        for k in range(3):
            total = sum(map(len, bins[k]))
            expected = sum(
                abs(np.mean([y for _, y in b]) - np.mean([p for p, _ in b]))
                * len(b)
                / total
                for b in bins[k]
                if b
            )
            self.assertAlmostEqual(found.per_class[k], expected, places=6)
        self.assertAlmostEqual(found.mean, found.per_class.mean())

    def test_calibrated(self):
        rng = np.random.default_rng(0)
        scores = rng.random((20_000, 1))
        rows = np.flatnonzero(rng.random(20_000) < scores[:, 0])
        segments = [(0, row - 0.5, row + 0.5) for row in rows]
        record = Record("a", 20_000.0, segments)
        self.assertLess(calibration({"a": scores}, [record]).mean, 0.02)
        self.assertGreater(calibration({"a": scores**3}, [record]).mean, 0.1)

    def test_missing_rows_are_left_out(self):
        records = [Record(name, 4.0, ((0, -1.0, 9.0),)) for name in "ab"]
        scores = np.array([[0.5], [-np.inf], [0.5], [0.5]])
        with self.assertWarns(UserWarning):
            found = calibration({"a": scores}, records)
        self.assertEqual(found.counts.sum(), 3)
        self.assertEqual(found.mean, 0.5)
        found = calibration({"a": np.full((4, 1), -np.inf)}, records[:1])
        self.assertEqual(found.mean, 0.0)

    @parameterized.named_parameters(
        ("bins", np.zeros((4, 1)), 0, "num_bins=0"),
        ("logits", np.full((4, 1), 3.0), 15, "scores from 3.0 to 3.0"),
        ("negative", np.full((4, 1), -0.5), 15, "scores from -0.5 to -0.5"),
        ("nan", np.full((4, 1), np.nan), 15, "nan for video a"),
    )
    def test_invalid_arguments(self, scores, num_bins, message):
        with self.assertRaisesRegex(ValueError, message):
            calibration({"a": scores}, [Record("a", 4.0, ())], num_bins)
