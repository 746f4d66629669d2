import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import average_precision


def slow_average_precision(scores, labels, positives=None, negatives=None):
    """Walks down the ranking of one class."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    num_positives = sum(labels)
    positives = positives or num_positives
    negatives = negatives or len(labels) - num_positives
    true = false = total = 0
    for i in order:
        if labels[i]:
            true += 1
            tp = true * positives / num_positives
            fp = false * negatives / (len(labels) - num_positives)
            total += tp / (tp + fp)
        else:
            false += 1
    return total / num_positives


class AveragePrecisionTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("alternating", [0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0], (1 + 2 / 3) / 2),
        ("worst", [0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0], 1 / 4),
        ("all_positive", [0.1, 0.2], [1, 1], 1.0),
        ("tie_positive_first", [0.5, 0.5], [1, 0], 1.0),
        ("tie_positive_last", [0.5, 0.5], [0, 1], 1 / 2),
        ("minus_infinity", [-np.inf, 0.0, -np.inf], [0, 0, 1], 1 / 3),
        ("integer_scores", [3, 2, 1], [0, 1, 1], (1 / 2 + 2 / 3) / 2),
    )
    def test_values(self, scores, labels, expected):
        out = average_precision(scores, labels)
        self.assertEqual(out.shape, (1,))
        self.assertEqual(out.dtype, np.float64)
        self.assertAlmostEqual(out[0], expected, places=14)

    def test_random(self):
        rng = np.random.default_rng(0)
        for _ in range(20):
            # Few distinct scores, so that there are many ties.
            scores = rng.integers(0, 6, (50, 3)) / 5
            labels = rng.random((50, 3)) < 0.3
            labels[0], labels[1] = True, False
            expected = [
                slow_average_precision(s.tolist(), y.tolist())
                for s, y in zip(scores.T, labels.T, strict=True)
            ]
            out = average_precision(scores, labels)
            np.testing.assert_allclose(out, expected, rtol=1e-13)

            expected = [
                slow_average_precision(s.tolist(), y.tolist(), 1100, 45000)
                for s, y in zip(scores.T, labels.T, strict=True)
            ]
            out = average_precision(scores, labels, balance=(1100, 45000))
            np.testing.assert_allclose(out, expected, rtol=1e-13)

    def test_balance_of_all_positives(self):
        out = average_precision([0.1, 0.2], [1, 1], balance=(10, 10))
        self.assertEqual(out.tolist(), [1.0])

    @parameterized.parameters("float16", "float32")
    def test_low_precision_scores(self, dtype):
        rng = np.random.default_rng(0)
        scores = rng.normal(size=(500, 4)).astype(dtype)
        # Many ties, also between the two zeros, and at the end.
        scores[:, 1] = scores[:, 1].round()
        scores[:, 2] *= rng.integers(-1, 2, 500)
        scores[:200, 3] = rng.choice([-np.inf, np.inf], 200)
        labels = rng.random((500, 4)) < 0.3
        np.testing.assert_array_equal(
            average_precision(scores, labels),
            average_precision(scores.astype("float64"), labels),
        )

    def test_class_without_positive(self):
        out = average_precision(np.zeros((3, 2)), [[0, 1]] * 3)
        self.assertTrue(np.isnan(out[0]))
        self.assertEqual(out[1], 1.0)

    def test_no_items(self):
        out = average_precision(np.zeros((0, 3)), np.zeros((0, 3)))
        self.assertEqual(out.shape, (3,))
        self.assertTrue(np.isnan(out).all())

    def test_inputs_are_not_modified(self):
        scores, labels = np.array([0.2, 0.1]), np.array([0, 1])
        average_precision(scores, labels, balance=(1, 1))
        self.assertEqual(scores.tolist(), [0.2, 0.1])
        self.assertEqual(labels.tolist(), [0, 1])

    @parameterized.named_parameters(
        ("shapes", np.zeros((3, 2)), np.zeros(3), r"labels.shape=\(3,\)"),
        ("rank", np.zeros((1, 3, 2)), np.zeros((1, 3, 2)), r"\(1, 3, 2\)"),
        ("nan", [[0, np.nan]], [[0, 1]], "1 NaN in class 1"),
        ("soft_label", [0.1, 0.2], [0.5, 1.0], "Received: 0.5 in class 0"),
    )
    def test_invalid_arguments(self, scores, labels, message):
        with self.assertRaisesRegex(ValueError, message):
            average_precision(scores, labels)
