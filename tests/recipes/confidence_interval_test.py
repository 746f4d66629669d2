import math

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from ssdet_keras.recipes.confidence_interval import compute_interval


def quantile_of(count):
    """Returns the quantile that an interval of so many values is made with."""
    values = np.arange(count, dtype="float64")
    _, half = compute_interval(values)
    return half * math.sqrt(count) / values.std(ddof=1)


def probability_within(quantile, freedom):
    """Integrates the density of Student's t from -quantile to quantile."""

    # Over the angle whose tangent is t / sqrt(freedom).
    def integrate(end):
        angles = np.linspace(0, end, 100_001)
        return np.trapezoid(np.cos(angles) ** (freedom - 1), angles)

    whole = integrate(math.pi / 2)
    return integrate(math.atan(quantile / math.sqrt(freedom))) / whole


class ConfidenceIntervalTest(parameterized.TestCase):
    def test_by_hand(self):
        mean, half = compute_interval([1, 2, 3])
        self.assertEqual(mean, 2)
        self.assertAlmostEqual(half, 4.303 / math.sqrt(3))
        mean, half = compute_interval((5.0, 3.0))
        self.assertEqual(mean, 4)
        self.assertAlmostEqual(half, 12.706)
        self.assertEqual(compute_interval([7, 7, 7, 7]), (7, 0))

    def test_nan_is_left_out(self):
        values = [math.nan, 1, 2, math.nan, 3]
        self.assertEqual(compute_interval(values), compute_interval([1, 2, 3]))

    @parameterized.parameters([[4.5]], [[math.nan, 4.5, math.nan]])
    def test_one_value(self, values):
        mean, half = compute_interval(values)
        self.assertEqual(mean, 4.5)
        self.assertTrue(math.isnan(half))

    @parameterized.parameters([[]], [[math.nan, math.nan]])
    def test_no_value(self, values):
        mean, half = compute_interval(values)
        self.assertTrue(math.isnan(mean))
        self.assertTrue(math.isnan(half))

    @parameterized.parameters(*range(1, 31))
    def test_quantiles(self, freedom):
        # Rounded to three digits.
        probability = probability_within(quantile_of(freedom + 1), freedom)
        self.assertAlmostEqual(probability, 0.95, delta=1e-4)

    @parameterized.parameters(32, 100)
    def test_beyond_the_table_it_is_not_too_narrow(self, count):
        probability = probability_within(quantile_of(count), count - 1)
        self.assertBetween(probability, 0.95, 0.957)

    @parameterized.parameters(2, 3, 5)
    def test_coverage(self, count):
        rng = np.random.default_rng(count)
        draws = rng.normal(3, 2, (4000, count))
        intervals = np.array([compute_interval(values) for values in draws])
        means, halves = intervals.T
        # Four standard errors of a share of 95 % of 4000.
        share = np.mean(np.abs(means - 3) < halves)
        self.assertAlmostEqual(share, 0.95, delta=0.014)


if __name__ == "__main__":
    absltest.main()
