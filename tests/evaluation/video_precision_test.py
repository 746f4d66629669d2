import numpy as np
from absl.testing import parameterized

from ssdet_keras.data import VideoRecord
from ssdet_keras.evaluation import average_precision
from ssdet_keras.evaluation import video_precision


def make_record(name, *segments, duration=4.0):
    return VideoRecord(
        name, f"{name}.mp4", duration=duration, segments=segments
    )


class VideoPrecisionTest(parameterized.TestCase):
    def test_by_hand(self):
        records = [
            # Positive at 1 and 2 s, which rank second and third.
            make_record("a", (0, 0.5, 2.5)),
            # Positive at 0 s in one class, at the end in the other.
            make_record("b", (0, 0.0, 0.5), (2, 2.5, 4.0)),
        ]
        scores = {
            "a": np.array([[0.9, 0.8, 0.7, 0.1], [1] * 4, [0] * 4]).T,
            "b": np.array([[0.9, 0.8, 0.7, 0.1], [0] * 4, [1, 2, 3, 4.0]]).T,
        }
        precision = video_precision(scores, records)
        # The best one first.
        self.assertEqual(list(precision), ["b", "a"])
        self.assertAlmostEqual(precision["b"], 1.0)
        self.assertAlmostEqual(precision["a"], (1 / 2 + 2 / 3) / 2)

    def test_videos_without_prediction_or_positive_are_left_out(self):
        records = [
            make_record("a", (0, 1.0, 2.0)),
            make_record("b", (0, 1.0, 2.0)),
            make_record("c"),
            # Between two frames.
            make_record("d", (0, 1.1, 1.2)),
        ]
        scores = {name: np.ones((4, 2)) for name in "acd"}
        with self.assertWarnsRegex(UserWarning, "no prediction"):
            precision = video_precision(scores, records)
        self.assertEqual(list(precision), ["a"])

    def test_random_draws(self):
        rng = np.random.default_rng(0)
        for _ in range(20):
            scores, records, expected = {}, [], {}
            for name in "abcd":
                num_frames = int(rng.integers(2, 30))
                labels = rng.random((num_frames, 3)) < 0.3
                labels[0, 0] = True
                scores[name] = rng.random((num_frames, 3)).round(1)
                # A segment around each positive frame, of 1 second.
                segments = [
                    (int(index), frame - 0.25, frame + 0.25)
                    for frame, index in zip(*np.nonzero(labels), strict=True)
                ]
                records.append(
                    make_record(name, *segments, duration=float(num_frames))
                )
                expected[name] = np.nanmean(
                    average_precision(scores[name], labels)
                )
            precision = video_precision(scores, records)
            self.assertEqual(precision.keys(), expected.keys())
            for name, value in precision.items():
                self.assertAlmostEqual(value, expected[name])
            values = list(precision.values())
            self.assertEqual(values, sorted(values, reverse=True))

    def test_errors(self):
        with self.assertRaisesRegex(ValueError, "share video ids"):
            video_precision({"b": np.ones((4, 2))}, [make_record("a")])
