import numpy as np
from absl.testing import parameterized

from ssdet_keras.training import center_heat_maps


class CenterHeatMapsTest(parameterized.TestCase):
    def test_values(self):
        labels = np.zeros((9, 2))
        labels[3:6, 0] = 1
        heat_maps = center_heat_maps(labels)
        self.assertEqual(heat_maps.dtype, "float32")
        expected = np.exp(-((np.arange(-4, 5) / 3.25) ** 2))
        np.testing.assert_allclose(heat_maps[:, 0], expected, atol=1e-6)
        np.testing.assert_array_equal(heat_maps[:, 1], 0)

    def test_ends_after_twice_the_duration(self):
        labels = np.zeros((9, 1))
        labels[8] = 1
        expected = [0] * 6 + [np.exp(-2.56), np.exp(-0.64), 1]
        heat_map = center_heat_maps(labels)[:, 0]
        np.testing.assert_allclose(heat_map, expected, atol=1e-6)

    def test_the_later_of_two_middle_frames(self):
        labels = np.array([[0, 1, 1, 1, 1, 0]]).T
        self.assertEqual(center_heat_maps(labels).argmax(), 3)

    def test_the_higher_of_two_bumps(self):
        labels = np.array([[1, 0, 1, 1, 1, 1, 1]]).T
        bumps = [
            np.exp(-(((np.arange(7) - center) / width) ** 2))
            for center, width in ((0, 1.25), (4, 5.25))
        ]
        bumps[0][3:] = 0
        expected = np.maximum(*bumps)
        heat_map = center_heat_maps(labels)[:, 0]
        np.testing.assert_allclose(heat_map, expected, atol=1e-6)

    def test_properties(self):
        labels = np.random.default_rng(0).uniform(size=(3, 40, 5)) < 0.3
        heat_maps = center_heat_maps(labels)
        # One peak for every activity.
        starts = labels & ~np.pad(labels, ((0, 0), (1, 0), (0, 0)))[:, :-1]
        self.assertEqual((heat_maps == 1).sum(), starts.sum())
        self.assertTrue(labels[heat_maps == 1].all())
        self.assertBetween(heat_maps.min(), 0, 1)
        for video, heat_map in zip(labels, heat_maps, strict=True):
            np.testing.assert_array_equal(center_heat_maps(video), heat_map)

    def test_padding(self):
        labels = np.array([[[1], [1], [-1]], [[0], [-1], [-1]]], "float32")
        heat_maps = center_heat_maps(labels)
        np.testing.assert_array_equal(heat_maps < 0, labels < 0)
        np.testing.assert_array_equal(
            heat_maps == 1, [[[0], [1], [0]], [[0]] * 3]
        )

    def test_invalid_rank(self):
        with self.assertRaisesRegex(ValueError, r"labels\.shape=\(3,\)"):
            center_heat_maps(np.zeros(3))
