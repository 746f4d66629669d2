import numpy as np
from absl.testing import parameterized

from ssdet_keras.data import stitch_windows
from ssdet_keras.data.stitch_windows import find_window_starts


class StitchWindowsTest(parameterized.TestCase):
    @parameterized.parameters(
        (1, [0]),
        (6, [0]),
        (7, [0, 1]),
        (10, [0, 4]),
        (11, [0, 4, 5]),
        (15, [0, 4, 8, 9]),
    )
    def test_starts(self, num_frames, expected):
        self.assertEqual(find_window_starts(num_frames, 6, 2), expected)

    def test_cross_fade(self):
        first = np.tile([[1.0, 3.0]], (6, 1))
        second = np.tile([[4.0, 3.0]], (6, 1))
        scores = stitch_windows([(0, first), (4, second)])
        self.assertEqual(scores.dtype, np.float32)
        np.testing.assert_allclose(
            scores[:, 0], [1, 1, 1, 1, 2, 3, 4, 4, 4, 4], rtol=1e-6
        )
        np.testing.assert_array_equal(scores[:, 1], np.full(10, 3.0))
        np.testing.assert_array_equal(first, np.tile([[1.0, 3.0]], (6, 1)))

    def test_without_overlap(self):
        scores = stitch_windows([(0, [[1.0], [2.0]]), (2, [[3.0]])])
        self.assertEqual(scores.tolist(), [[1.0], [2.0], [3.0]])

    def test_equal_scores_are_kept(self):
        rng = np.random.default_rng(0)
        for _ in range(300):
            window = int(rng.integers(1, 12))
            overlap = int(rng.integers(window))
            num_frames = int(rng.integers(1, 60))
            time = np.arange(num_frames)[:, None]
            signals = np.concatenate(
                [
                    rng.normal(size=(num_frames, 3)),
                    0 * time + 0.1,
                    1e4 - 0.3 * time,
                ],
                axis=1,
            ).astype("float32")
            starts = find_window_starts(num_frames, window, overlap)
            scores = stitch_windows(
                (start, signals[start : start + window]) for start in starts
            )
            np.testing.assert_array_equal(scores, signals)

    def test_blends_stay_between_the_windows(self):
        rng = np.random.default_rng(0)
        starts = find_window_starts(40, 9, 6)
        windows = rng.uniform(size=(len(starts), 9, 2))
        scores = stitch_windows(zip(starts, windows, strict=True))
        for frame in range(40):
            shown = [
                window[frame - start]
                for start, window in zip(starts, windows, strict=True)
                if start <= frame < start + 9
            ]
            low, high = np.min(shown, axis=0), np.max(shown, axis=0)
            self.assertTrue(np.all(scores[frame] >= low - 1e-6))
            self.assertTrue(np.all(scores[frame] <= high + 1e-6))

    def test_errors(self):
        two = np.zeros((2, 1))
        with self.assertRaisesRegex(ValueError, "must not be empty"):
            stitch_windows([])
        for windows, message in (
            ([(1, two)], "frames 1 to 3 after frames 0 to 0"),
            ([(0, two), (3, two)], "frames 3 to 5 after frames 0 to 2"),
            (
                [(0, two), (2, two), (1, two)],
                "frames 1 to 3 after frames 2 to 4",
            ),
            ([(0, two), (0, two[:1])], "frames 0 to 1 after frames 0 to 2"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                stitch_windows(windows)
        for window, overlap in ((4, 4), (0, 0), (4, -1)):
            with self.assertRaisesRegex(ValueError, f"window={window}"):
                find_window_starts(9, window, overlap)
