import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation.interpolate_scores import interpolate_scores


class InterpolateScoresTest(parameterized.TestCase):
    def test_values(self):
        scores = np.array([[0.0, 1.0], [1.0, 0.0]])
        out = interpolate_scores(scores, [2.0, 4.0], [0, 2, 2.5, 3, 4, 9])
        self.assertEqual(out[:, 0].tolist(), [0, 0, 0.25, 0.5, 1, 1])
        self.assertEqual(out[:, 1].tolist(), [1, 1, 0.75, 0.5, 0, 0])

    @parameterized.parameters("float16", "float32", "float64")
    def test_random(self, dtype):
        rng = np.random.default_rng(0)
        for num_rows in (1, 2, 7, 40):
            scores = rng.random((num_rows, 3)).astype(dtype)
            times = np.cumsum(rng.uniform(0.1, 1, num_rows))
            at = rng.uniform(-1, times[-1] + 2, 50)
            out = interpolate_scores(scores, times, at)
            expected = [np.interp(at, times, c) for c in scores.T]
            np.testing.assert_allclose(out, np.transpose(expected), atol=1e-6)
            # Samples that fall on rows are exactly these.
            out = interpolate_scores(scores, times, times)
            np.testing.assert_array_equal(out, scores)

    def test_missing_rows(self):
        scores = np.array([[0.5], [-np.inf], [0.25]], "float32")
        times = np.array([0.0, 1.0, 2.0])
        at = [0, 0.5, 1 - 1e-12, 1, 1 + 1e-12, 1.5, 2 - 1e-12, 2]
        out = interpolate_scores(scores, times, at)[:, 0].tolist()
        self.assertEqual(
            out, [0.5, -np.inf, -np.inf, -np.inf, -np.inf, -np.inf, 0.25, 0.25]
        )
