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
    )
    def test_invalid_arguments(self, kwargs, message):
        kwargs = {"scores": np.zeros((3, 2)), **kwargs}
        with self.assertRaisesRegex(ValueError, message):
            find_segments(**kwargs)
