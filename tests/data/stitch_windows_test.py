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

    @parameterized.parameters(
        (1, [0]),
        (12, [0]),
        (13, [0, 4]),
        (16, [0, 4]),
        (20, [0, 8]),
        (21, [0, 8, 12]),
    )
    def test_starts_at_multiples(self, num_frames, expected):
        self.assertEqual(find_window_starts(num_frames, 12, 4, 4), expected)

    def test_windows_at_multiples_cover_the_video(self):
        rng = np.random.default_rng(0)
        for _ in range(300):
            multiple = int(rng.integers(1, 9))
            step = multiple * int(rng.integers(1, 6))
            window = step + int(rng.integers(20))
            num_frames = int(rng.integers(1, 200))
            starts = find_window_starts(
                num_frames, window, window - step, multiple
            )
            scores = np.arange(num_frames)[:, None]
            np.testing.assert_allclose(
                stitch_windows((s, scores[s : s + window]) for s in starts),
                scores,
                rtol=1e-5,
            )
            self.assertFalse(any(start % multiple for start in starts))

    def test_windows_that_are_no_multiples(self):
        with self.assertRaisesRegex(
            ValueError, "multiple of 8. Received: overlap=4, window=16"
        ):
            find_window_starts(99, 16, 4, 8)

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

    @parameterized.parameters(
        # A quarter of the four shared frames.
        (None, [0, 0, 0, 1, 2, 3, 3, 3]),
        (0, [0, 0, 0.6, 1.2, 1.8, 2.4, 3, 3]),
        (1, [0, 0, 0, 1, 2, 3, 3, 3]),
        (2, [0, 0, 0, 0, 3, 3, 3, 3]),
        (9, [0, 0, 0, 0, 3, 3, 3, 3]),
    )
    def test_margin(self, margin, expected):
        windows = [(0, np.zeros((6, 1))), (2, np.full((6, 1), 3.0))]
        scores = stitch_windows(windows, margin)
        np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-6)

    def test_margin_of_an_odd_overlap(self):
        windows = [(0, np.zeros((4, 1))), (1, np.full((4, 1), 3.0))]
        scores = stitch_windows(windows, margin=2)
        np.testing.assert_allclose(scores[:, 0], [0, 0, 1.5, 3, 3])

    def test_bad_borders_within_the_margin_are_left_out(self):
        rng = np.random.default_rng(0)
        for _ in range(300):
            margin = int(rng.integers(5))
            overlap = int(rng.integers(2 * margin, 2 * margin + 4))
            window = overlap + int(rng.integers(1, 20))
            num_frames = int(rng.integers(1, 120))
            signal = rng.normal(size=(num_frames, 2)).astype("float32")
            windows = []
            for start in find_window_starts(num_frames, window, overlap):
                scores = signal[start : start + window].copy()
                if start > 0:
                    scores[:margin] = 99
                if start + window < num_frames:
                    scores[window - margin :] = 99
                windows.append((start, scores))
            np.testing.assert_allclose(
                stitch_windows(windows, margin), signal, atol=1e-4
            )

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
        with self.assertRaisesRegex(ValueError, "margin=-1"):
            stitch_windows([(0, two)], margin=-1)
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
