import collections

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import action_conditional
from ssdet_keras.evaluation import average_precision

Record = collections.namedtuple("Record", ["id", "duration", "segments"])


def make_case(seed, num_classes=4):
    rng = np.random.default_rng(seed)
    predictions, records = {}, []
    for index in range(6):
        num_rows = int(rng.integers(10, 60))
        segments = []
        for class_index in rng.integers(0, num_classes, 5):
            start, end = np.sort(rng.uniform(0, num_rows, 2))
            segments.append((int(class_index), float(start), float(end)))
        # One row per second.
        records.append(Record(f"v{index}", float(num_rows), tuple(segments)))
        shape = (num_rows, num_classes)
        predictions[f"v{index}"] = rng.random(shape).round(1)
    return predictions, records


def slow_pair(predictions, records, i, j, window, threshold):
    """One pair, row by row. Returns None if it never happens."""
    truth, scores = [], []
    for record in records:

        def shows(row, class_index, segments=record.segments):
            return any(
                c == class_index and start < row < end
                for c, start, end in segments
            )

        for row, p in enumerate(predictions[record.id]):
            if window == 0:
                is_given = shows(row, j)
            else:
                before = range(max(row - window + 1, 0), row)
                is_given = not shows(row, j) and any(
                    shows(s, j) for s in before
                )
            if is_given:
                truth.append(shows(row, i))
                scores.append(p[i])
    if not sum(truth):
        return None
    true = sum(y and p >= threshold for y, p in zip(truth, scores, strict=True))
    predicted = sum(p >= threshold for p in scores)
    return (
        true / predicted if predicted else 0.0,
        true / sum(truth),
        average_precision(scores, truth)[0],
        sum(truth),
    )


class ActionConditionalTest(parameterized.TestCase):
    def test_by_hand(self):
        # Rows 0 to 7. Class 0 in 1 to 3, class 1 in 2 to 5, class 2 never.
        records = [Record("a", 8.0, ((0, 0.5, 3.5), (1, 1.5, 5.5)))]
        scores = np.zeros((8, 3))
        scores[:, 0] = [0, 0.1, 0.9, 0.2, 0.6, 0.8, 0, 0]
        scores[:, 1] = [0, 0.7, 0.6, 0.1, 0.9, 0.8, 0, 0]
        results = action_conditional({"a": scores}, records, (0, 2, 4))
        now = results[0]
        # Given class 1, rows 2 to 5: class 0 in 2 and 3, found in 2, 4, 5.
        self.assertAlmostEqual(now.pair_precision[0, 1], 1 / 3)
        self.assertAlmostEqual(now.pair_recall[0, 1], 1 / 2)
        self.assertAlmostEqual(
            now.pair_average_precision[0, 1], (1 + 2 / 4) / 2
        )
        # Given class 0, rows 1 to 3: class 1 in 2 and 3, found in 1 and 2.
        self.assertAlmostEqual(now.pair_precision[1, 0], 1 / 2)
        self.assertAlmostEqual(now.pair_recall[1, 0], 1 / 2)
        self.assertAlmostEqual(
            now.pair_average_precision[1, 0], (1 / 2 + 2 / 3) / 2
        )
        self.assertEqual(
            now.pair_positives.tolist(), [[0, 2, 0], [2, 0, 0], [0, 0, 0]]
        )
        self.assertEqual(np.isnan(now.pair_recall).sum(), 7)
        precision = (1 / 3 + 1 / 2) / 2
        self.assertAlmostEqual(now.precision, precision)
        self.assertAlmostEqual(now.recall, 1 / 2)
        self.assertAlmostEqual(now.f1, 2 * precision * 0.5 / (precision + 0.5))
        self.assertAlmostEqual(now.mean_average_precision, (3 / 4 + 7 / 12) / 2)
        self.assertEqual(
            str(now),
            "action_conditional, window 0: precision 41.67 %, recall 50.00 %, "
            "F1 45.45 %, mAP 66.67 %",
        )
        # Just after class 0 is row 4, and within three rows 4 to 6. Nothing
        # is after class 1.
        self.assertEqual(results[2].pair_positives.sum(), 1)
        self.assertEqual(results[2].precision, 1.0)
        self.assertEqual(results[4].pair_positives[1, 0], 2)
        self.assertEqual(results[4].mean_average_precision, 1.0)

    @parameterized.product(window=[0, 2, 5, 20, 100], seed=[0, 1])
    def test_naive_loops(self, window, seed):
        predictions, records = make_case(seed)
        result = action_conditional(predictions, records, [window], 0.6)
        result = result[window]
        means = []
        for i in range(4):
            for j in range(4):
                out = (
                    result.pair_precision[i, j],
                    result.pair_recall[i, j],
                    result.pair_average_precision[i, j],
                    result.pair_positives[i, j],
                )
                expected = slow_pair(predictions, records, i, j, window, 0.6)
                if i == j or expected is None:
                    expected = (np.nan, np.nan, np.nan, 0)
                else:
                    means.append(expected)
                np.testing.assert_allclose(out, expected)
        means = np.mean(means, axis=0)
        self.assertAlmostEqual(result.precision, means[0])
        self.assertAlmostEqual(result.recall, means[1])
        self.assertAlmostEqual(result.mean_average_precision, means[2])

    def test_nothing_predicted(self):
        predictions, records = make_case(0)
        result = action_conditional(predictions, records, [0], 2.0)[0]
        self.assertEqual((result.precision, result.recall, result.f1), (0,) * 3)
        self.assertGreater(result.mean_average_precision, 0.0)

    @parameterized.named_parameters(
        ("one", {"windows": [0, 1]}, r"windows=\[0, 1\]"),
        ("negative", {"windows": [-20]}, r"windows=\[-20\]"),
        ("fraction", {"windows": [2.5]}, r"windows=\[2.5\]"),
        (
            "no_pair",
            {"annotations": [Record("v0", 9.0, ((0, 0.0, 9.0),))]},
            "two classes that happen .* window=0",
        ),
        ("no_prediction", {"predictions": {}}, "`predictions` must hold"),
    )
    def test_invalid_arguments(self, kwargs, message):
        predictions, records = make_case(0)
        arguments = {
            "predictions": {"v0": predictions["v0"]},
            "annotations": records[:1],
            **kwargs,
        }
        with self.assertRaisesRegex(ValueError, message):
            action_conditional(**arguments)
