import collections

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import Predictions
from ssdet_keras.evaluation import average_precision
from ssdet_keras.evaluation import charades
from ssdet_keras.evaluation.video_scores import VideoScores

Record = collections.namedtuple("Record", ["id", "duration", "segments"])


class Records(list):
    class_names = ("walk", "run")


class VideoScoresTest(parameterized.TestCase):
    def test_times(self):
        predictions = Predictions(
            {"a": np.zeros((4, 1)), "b": np.zeros((4, 1))},
            fps={"a": 2.0},
            stride=3,
            offset=1,
        )
        records = [Record("a", 9.0, ()), Record("b", 8.0, ())]
        videos = VideoScores(predictions, records)
        self.assertEqual(videos.times(0).tolist(), [0.5, 2.0, 3.5, 5.0])
        self.assertEqual(videos.times(1).tolist(), [0.0, 2.0, 4.0, 6.0])
        self.assertEqual(videos.durations, [9.0, 8.0])

    def test_sample(self):
        scores = np.array([[0.0], [1.0], [0.0]])
        predictions = Predictions({"a": scores}, fps=1.0, stride=2)
        videos = VideoScores(predictions, [Record("a", 9.0, ())])
        out, times = videos.sample(0, 9)
        self.assertEqual(times.tolist(), list(range(9)))
        self.assertEqual(out[:, 0].tolist(), [0, 0.5, 1, 0.5, 0, 0, 0, 0, 0])
        # As many samples as rows are not the rows: these have other times.
        out, times = videos.sample(0, 3)
        self.assertEqual(times.tolist(), [0, 3, 6])
        self.assertEqual(out[:, 0].tolist(), [0, 0.5, 0])

    @parameterized.parameters(0, 1, 2)
    def test_plain_transcription(self, seed):
        rng = np.random.default_rng(seed)
        scores, records, fps = {}, [], {}
        stride, offset = 3, 2
        for name in "abcdef":
            duration = float(rng.uniform(5, 40))
            fps[name] = float(rng.uniform(5, 30))
            # The file may be longer or shorter than is annotated.
            num_frames = int(fps[name] * duration * rng.uniform(0.8, 1.2))
            scores[name] = rng.random((num_frames // stride, 2))
            segments = tuple(
                (k, *np.sort(rng.uniform(0, duration, 2))) for k in (0, 1, 1)
            )
            records.append(Record(name, duration, segments))
        predictions = Predictions(scores, fps=fps, stride=stride, offset=offset)
        results = charades(predictions, records)
        official, frames = ([], []), ([], [])
        for record in records:
            rows = scores[record.id]
            times = [
                (offset + i * stride) / fps[record.id] for i in range(len(rows))
            ]
            at = [j / 25 * record.duration for j in range(25)]
            sampled = np.transpose([np.interp(at, times, c) for c in rows.T])
            official[0].append(sampled)
            frames[0].append(rows)
            for seconds, collected, is_inside in (
                (at, official[1], lambda t, s, e: s <= t <= e),
                (times, frames[1], lambda t, s, e: s < t < e),
            ):
                collected.append(
                    [
                        [
                            any(
                                k == c and is_inside(t, start, end)
                                for c, start, end in record.segments
                            )
                            for k in (0, 1)
                        ]
                        for t in seconds
                    ]
                )
        for name, (values, labels) in (
            ("charades_official", official),
            ("per_frame", frames),
        ):
            expected = average_precision(
                np.concatenate(values), np.concatenate(labels)
            )
            np.testing.assert_allclose(
                results[name].per_class, expected, rtol=1e-9
            )

    def test_equal_to_a_dict_where_no_rate_is_known(self):
        rng = np.random.default_rng(0)
        scores = {"a": rng.random((25, 2)), "b": rng.random((70, 2))}
        records = [
            Record("a", 9.0, ((0, 1.0, 2.0),)),
            Record("b", 8.0, ((1, 1.0, 2.0),)),
        ]
        expected = charades(scores, records)
        for name, result in charades(Predictions(scores), records).items():
            np.testing.assert_array_equal(
                result.per_class, expected[name].per_class
            )

    def test_duration_of_the_prediction(self):
        predictions = Predictions({"a": np.zeros((10, 1))}, fps=2.0)
        videos = VideoScores(predictions, [Record("a", None, ())])
        self.assertEqual(videos.durations, [5.0])

    def test_names_in_another_order(self):
        predictions = Predictions(
            {"a": np.zeros((3, 2))}, class_names=["run", "walk"]
        )
        with self.assertRaisesRegex(
            ValueError,
            "'run' is class 0 in the predictions, class 1 in the annotations",
        ):
            VideoScores(predictions, Records([Record("a", 1.0, ())]))

    def test_names_of_another_spelling(self):
        predictions = Predictions(
            {"a": np.zeros((3, 2))}, class_names=["Walking", "run"]
        )
        with self.assertWarnsRegex(UserWarning, "'Walking' .*, 'walk' in"):
            VideoScores(predictions, Records([Record("a", 1.0, ())]))

    def test_another_split(self):
        with self.assertRaisesRegex(
            ValueError, "Received: predictions of a, .* of b. .* another split"
        ):
            VideoScores({"a": np.zeros((3, 2))}, [Record("b", 1.0, ())])
