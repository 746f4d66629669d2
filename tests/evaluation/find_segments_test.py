import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import find_segments


class FindSegmentsTest(parameterized.TestCase):
    def test_values(self):
        scores = np.array(
            [[0.9, 0.1], [0.7, 0.5], [0.2, 0.6], [0.1, 0.1], [0.5, 0.1]]
        )
        segments = find_segments(scores, fps=2.0)
        expected = [(0, 0.0, 1.0, 0.8), (1, 0.5, 1.5, 0.55), (0, 2.0, 2.5, 0.5)]
        self.assertLen(segments, 3)
        for segment, values in zip(segments, expected, strict=True):
            np.testing.assert_allclose(segment, values)
        self.assertEqual(segments[1].class_index, 1)
        self.assertEqual(segments[1].end, 1.5)

    def test_times(self):
        scores = np.array([[1.0], [0.0], [1.0], [1.0]])
        segments = find_segments(scores, times=[0.0, 1.0, 1.5, 2.5])
        self.assertEqual(segments, [(0, 0.0, 1.0, 1.0), (0, 1.5, 3.5, 1.0)])

    def test_min_duration(self):
        scores = np.array([[1.0], [0.0], [1.0], [1.0]])
        segments = find_segments(scores, fps=1.0, min_duration=2.0)
        self.assertEqual(segments, [(0, 2.0, 4.0, 1.0)])

    def test_threshold_per_class(self):
        scores = np.full((3, 2), 0.4)
        segments = find_segments(scores, fps=1.0, threshold=[0.3, 0.5])
        self.assertEqual([segment.class_index for segment in segments], [0])

    # The scores of the docstring, ten frames per second.
    @parameterized.parameters(
        ({}, [(0.2, 0.4), (0.6, 0.7)]),
        ({"low_threshold": 0.4}, [(0.1, 0.5), (0.6, 0.7)]),
        ({"low_threshold": 0.4, "max_gap": 0.1}, [(0.1, 0.7)]),
        ({"low_threshold": 0.3}, [(0.1, 0.5), (0.6, 0.8)]),
        ({"low_threshold": 0.1}, [(0.0, 0.8)]),
        ({"low_threshold": [0.4]}, [(0.1, 0.5), (0.6, 0.7)]),
        ({"max_gap": 0.1}, [(0.2, 0.4), (0.6, 0.7)]),
        ({"max_gap": 0.2}, [(0.2, 0.7)]),
        ({"min_duration": 0.2}, [(0.2, 0.4)]),
        # Gaps are closed first.
        ({"min_duration": 0.5, "max_gap": 0.2}, [(0.2, 0.7)]),
    )
    def test_hysteresis_gaps_and_durations(self, kwargs, expected):
        scores = np.array([[0.2, 0.4, 0.8, 0.9, 0.4, 0.1, 0.7, 0.3]]).T
        segments = find_segments(scores, fps=10, threshold=0.6, **kwargs)
        self.assertLen(segments, len(expected))
        for segment, (start, end) in zip(segments, expected, strict=True):
            self.assertAlmostEqual(segment.start, start)
            self.assertAlmostEqual(segment.end, end)
            rows = slice(round(10 * start), round(10 * end))
            self.assertAlmostEqual(segment.score, scores[rows].mean())

    def test_gaps_of_other_classes_are_not_closed(self):
        scores = np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
        segments = find_segments(scores, fps=1, max_gap=9)
        self.assertEqual(segments, [(0, 0, 2, 1), (1, 2, 4, 1)])

    def test_durations_are_not_rounded_down(self):
        # 0.7 - 0.4 is less than 0.3 in floating point.
        scores = np.zeros((9, 1))
        scores[4:7] = 1
        segments = find_segments(scores, fps=10, min_duration=0.3)
        self.assertLen(segments, 1)
        scores[[2, 8]] = 1
        self.assertLen(find_segments(scores, fps=10, max_gap=0.1), 1)

    def test_thresholds(self):
        scores = np.array([[0.2, 0.4, 0.8, 0.4, 0.0, 0.9]]).T
        segments = find_segments(scores, fps=1, thresholds=[0.1, 0.3, 0.7])
        expected = [
            (0, 0, 4, 0.45),
            (0, 1, 4, 1.6 / 3),
            (0, 2, 3, 0.8),
            # Once, though all three find it.
            (0, 5, 6, 0.9),
        ]
        np.testing.assert_allclose(segments, expected)

    def test_agrees_with_a_walk_over_the_frames(self):
        rng = np.random.default_rng(0)
        for _ in range(100):
            scores = rng.integers(0, 10, (40, 2)) / 10
            low, high = sorted(rng.integers(1, 10, 2) / 10)
            max_gap = int(rng.integers(4))
            least = int(rng.integers(1, 5))
            expected = []
            for class_index, column in enumerate(scores.T):
                runs, run = [], []
                for frame, score in enumerate([*column, -1]):
                    if score >= low:
                        run.append(frame)
                        continue
                    if run and column[run].max() >= high:
                        if runs and run[0] - runs[-1][1] <= max_gap:
                            runs[-1][1] = run[-1] + 1
                        else:
                            runs.append([run[0], run[-1] + 1])
                    run = []
                expected += [
                    (first, class_index, last)
                    for first, last in runs
                    if last - first >= least
                ]
            segments = find_segments(
                scores,
                fps=1,
                threshold=high,
                low_threshold=low,
                max_gap=max_gap,
                min_duration=least,
            )
            self.assertEqual(
                [(s.start, s.class_index, s.end) for s in segments],
                sorted(expected),
            )

    def test_agrees_with_frames(self):
        scores = np.random.default_rng(0).random((200, 5))
        segments = find_segments(scores, fps=1.0)
        active = np.zeros(scores.shape, bool)
        for class_index, start, end, score in segments:
            rows = slice(int(start), int(end))
            self.assertFalse(active[rows, class_index].any())
            active[rows, class_index] = True
            self.assertAlmostEqual(score, scores[rows, class_index].mean())
        np.testing.assert_array_equal(active, scores >= 0.5)

    def test_nothing(self):
        self.assertEqual(find_segments(np.zeros((3, 2)), fps=1.0), [])
        self.assertEqual(find_segments(np.zeros((0, 2)), fps=1.0), [])

    @parameterized.named_parameters(
        ("rank", {"scores": np.zeros(3), "fps": 1}, r"scores.shape=\(3,\)"),
        ("nan", {"scores": [[np.nan]], "fps": 1}, "1 NaN"),
        ("no_time", {}, "times=None, fps=None"),
        ("both", {"times": [0, 1, 2], "fps": 1}, "fps=1"),
        ("fps", {"fps": 0}, "fps=0"),
        ("times", {"times": [0, 2, 1]}, "3 ascending times"),
        ("num_times", {"times": [0, 1]}, "3 ascending times"),
        ("threshold", {"fps": 1, "threshold": [0.1]}, r"shape \(1,\)"),
        ("duration", {"fps": 1, "min_duration": -1}, "min_duration=-1"),
        ("gap", {"fps": 1, "max_gap": -1}, "max_gap=-1"),
        ("low", {"fps": 1, "low_threshold": 0.7}, "low_threshold=0.7"),
        (
            "low_shape",
            {"fps": 1, "low_threshold": [0.1]},
            r"`low_threshold` .* shape \(1,\)",
        ),
        (
            "both_thresholds",
            {"fps": 1, "low_threshold": 0.1, "thresholds": [0.5]},
            "Only one of `low_threshold` and `thresholds`",
        ),
        ("no_thresholds", {"fps": 1, "thresholds": []}, r"thresholds=\[\]"),
        ("thresholds", {"fps": 1, "thresholds": 0.5}, "thresholds=0.5"),
    )
    def test_invalid_arguments(self, kwargs, message):
        kwargs = {"scores": np.zeros((3, 2)), **kwargs}
        with self.assertRaisesRegex(ValueError, message):
            find_segments(**kwargs)
