import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import DetectedSegment
from ssdet_keras.evaluation import find_segments
from ssdet_keras.evaluation import suppress_segments


def overlap(a, b, step=0.125):
    """Counts small steps of time."""
    times = np.arange(0, 40, step)
    in_a = (times >= a.start) & (times < a.end)
    in_b = (times >= b.start) & (times < b.end)
    return (in_a & in_b).sum() / max(1, (in_a | in_b).sum())


class SuppressSegmentsTest(parameterized.TestCase):
    @parameterized.parameters(
        # The second one shares 2 of 6 seconds with the first, a third.
        (0.0, ["a", "c", "d"]),
        (0.3, ["a", "c", "d"]),
        (0.34, ["a", "b", "c", "d"]),
        (1.0, ["a", "b", "c", "d"]),
    )
    def test_values(self, tiou, expected):
        segments = {
            "a": DetectedSegment(0, 0.0, 4.0, 0.9),
            "b": DetectedSegment(0, 2.0, 6.0, 0.8),
            # Of another class, and after the end.
            "c": DetectedSegment(1, 2.0, 6.0, 0.7),
            "d": DetectedSegment(0, 6.0, 8.0, 0.6),
        }
        kept = suppress_segments(reversed(segments.values()), tiou)
        self.assertEqual(kept, [segments[name] for name in expected])

    def test_what_was_left_out_suppresses_nothing(self):
        a = DetectedSegment(0, 0.0, 4.0, 0.9)
        b = DetectedSegment(0, 1.0, 5.0, 0.8)
        c = DetectedSegment(0, 3.0, 7.0, 0.7)
        self.assertEqual(suppress_segments([a, b, c], 0.3), [a, c])

    def test_of_equal_scores_the_longest(self):
        short = DetectedSegment(0, 1.0, 2.0, 0.5)
        long = DetectedSegment(0, 0.0, 2.0, 0.5)
        self.assertEqual(suppress_segments([short, long], 0.4), [long])

    def test_segments_without_length(self):
        point = DetectedSegment(0, 1.0, 1.0, 0.5)
        self.assertEqual(suppress_segments([point, point]), [point, point])
        self.assertEqual(suppress_segments([]), [])

    def test_properties(self):
        rng = np.random.default_rng(0)
        for _ in range(30):
            segments = [
                DetectedSegment(
                    int(rng.integers(2)),
                    start := int(rng.integers(100)) / 4,
                    start + int(rng.integers(1, 40)) / 4,
                    float(rng.random()),
                )
                for _ in range(20)
            ]
            tiou = float(rng.random())
            kept = suppress_segments(segments, tiou)
            for segment in segments:
                better = [
                    other
                    for other in kept
                    if other.class_index == segment.class_index
                    and other.score > segment.score
                ]
                worst = max((overlap(segment, x) for x in better), default=0)
                self.assertEqual(segment in kept, worst <= tiou)

    def test_of_several_thresholds(self):
        scores = np.array([[0.2, 0.4, 0.9, 0.8, 0.3, 0.0, 0.5, 0.5]]).T
        proposals = find_segments(scores, fps=1, thresholds=[0.1, 0.35, 0.7])
        self.assertEqual(
            [(x.start, x.end) for x in suppress_segments(proposals)],
            [(0, 5), (2, 4), (6, 8)],
        )
        self.assertEqual(
            [(x.start, x.end) for x in suppress_segments(proposals, 0.3)],
            [(2, 4), (6, 8)],
        )

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(ValueError, "tiou=1.5"):
            suppress_segments([], 1.5)
