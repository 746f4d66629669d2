import collections
import csv
import json
import pathlib
import warnings

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import average_precision
from ssdet_keras.evaluation import charades
from ssdet_keras.evaluation import multithumos
from ssdet_keras.evaluation import read_charades_submission
from ssdet_keras.evaluation.interpolate_scores import sample_uniformly

GOLDEN = pathlib.Path(__file__).parent / "golden"
Record = collections.namedtuple("Record", ["id", "duration", "segments"])
FrameRecord = collections.namedtuple(
    "FrameRecord", ["id", "duration", "segments", "fps", "num_frames"]
)


class Records(list):
    """A list of records that names its classes."""

    class_names = ("walk", "run")


def make_case(num_videos=12, num_classes=3, seed=0, num_rows=(20, 90)):
    rng = np.random.default_rng(seed)
    predictions, records = {}, []
    for index in range(num_videos):
        duration = round(float(rng.uniform(5, 40)), 2)
        segments = []
        for class_index in rng.integers(0, num_classes, 4):
            # Some segments end after the video or before they start.
            start, end = np.round(rng.uniform(0, 1.2 * duration, 2), 1)
            segments.append((int(class_index), float(start), float(end)))
        records.append(Record(f"v{index}", duration, tuple(segments)))
        shape = (int(rng.integers(*num_rows)), num_classes)
        predictions[f"v{index}"] = rng.normal(size=shape)
    return predictions, records


def slow_labels(record, times, num_classes, inclusive):
    labels = np.zeros((len(times), num_classes), bool)
    for row, time in enumerate(times):
        for class_index, start, end in record.segments:
            inside = start < time < end
            if inclusive:
                inside = start <= time <= end
            labels[row, class_index] |= inside
    return labels


class CharadesTest(parameterized.TestCase):
    @parameterized.parameters("ties", "zero_indexed", "missing")
    def test_official_program(self, name):
        expected = json.loads((GOLDEN / "expected.json").read_text())
        records = Records()
        records.class_names = expected["classes"]
        with open(GOLDEN / "annotations.csv") as file:
            for row in csv.DictReader(file):
                actions = [a.split() for a in row["actions"].split(";") if a]
                segments = [
                    (records.class_names.index(c), float(start), float(end))
                    for c, start, end in actions
                ]
                records.append(
                    Record(row["id"], float(row["length"]), segments)
                )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            predictions = read_charades_submission(GOLDEN / f"{name}.txt.gz")
            result = charades(predictions, records)["charades_official"]
        expected = expected["average_precision"][name]
        np.testing.assert_allclose(result.per_class, expected, atol=1e-12)
        self.assertAlmostEqual(result.mean, np.mean(expected), places=11)

    def test_by_hand(self):
        # 25 rows, one per second. Rows 5 to 10 are positive, both ends
        # included, and the scores rank them 2nd to 7th.
        records = [Record("a", 25.0, ((0, 5.0, 10.0),))]
        scores = np.zeros((25, 1))
        scores[5:11, 0] = 0.5
        scores[20, 0] = 0.9
        results = charades({"a": scores}, records)
        precision = [k / (k + 1) for k in range(1, 7)]
        self.assertAlmostEqual(
            results["charades_official"].mean, np.mean(precision)
        )
        # Without the ends, rows 6 to 9 rank 3rd to 6th.
        precision = [k / (k + 2) for k in range(1, 5)]
        self.assertAlmostEqual(results["per_frame"].mean, np.mean(precision))
        # 6 positives stand for 1,100 and 19 negatives for 45,000.
        true = np.arange(1, 7) * 1100 / 6
        precision = true / (true + 45000 / 19)
        self.assertAlmostEqual(
            results["charades_challenge"].mean, np.mean(precision)
        )
        # Row 0 is not sampled, which changes nothing here.
        self.assertAlmostEqual(
            results["charades_strided"].mean, results["per_frame"].mean
        )

    def test_frames_without_action_are_negatives(self):
        records = [
            Record("a", 25.0, ((0, 0.0, 30.0),)),
            Record("b", 25.0, ()),
        ]
        predictions = {"a": np.zeros((25, 1)), "b": np.ones((25, 1))}
        result = charades(predictions, records)["charades_official"]
        precision = [k / (k + 25) for k in range(1, 26)]
        self.assertAlmostEqual(result.mean, np.mean(precision))

    @parameterized.parameters(0, 1, 2)
    def test_plain_transcription(self, seed):
        predictions, records = make_case(seed=seed)
        results = charades(predictions, records)
        rows = collections.defaultdict(lambda: ([], []))
        for record in records:
            scores = predictions[record.id]
            num_frames = len(scores)
            times = [j / 25 * record.duration for j in range(25)]
            frame_times = [
                i / num_frames * record.duration for i in range(num_frames)
            ]
            sampled = [
                np.interp(np.arange(25) / 25, np.arange(len(c)) / len(c), c)
                for c in scores.T
            ]
            labels = slow_labels(record, frame_times, 3, False)
            step = max(1, int(num_frames / 25))
            for name, s, y in (
                (
                    "charades_official",
                    np.transpose(sampled),
                    slow_labels(record, times, 3, True),
                ),
                (
                    "charades_strided",
                    scores[1::step][:25],
                    labels[1::step][:25],
                ),
                ("per_frame", scores, labels),
            ):
                rows[name][0].append(s)
                rows[name][1].append(y)
        for name, (scores, labels) in rows.items():
            expected = average_precision(
                np.concatenate(scores), np.concatenate(labels)
            )
            np.testing.assert_allclose(
                results[name].per_class, expected, rtol=1e-12, err_msg=name
            )
            self.assertAlmostEqual(
                results[name].mean, results[name].per_class.mean()
            )
        weights = np.concatenate(rows["charades_official"][1]).sum(0)
        weighted = results["charades_official_weighted"]
        self.assertAlmostEqual(
            weighted.mean,
            np.average(results["charades_official"].per_class, weights=weights),
        )
        thumos = multithumos(predictions, records)
        self.assertEqual(list(thumos), ["multithumos_per_frame"])
        np.testing.assert_array_equal(
            thumos["multithumos_per_frame"].per_class,
            results["per_frame"].per_class,
        )

    def test_many_classes(self):
        predictions, records = make_case(num_videos=40, num_classes=37)
        results = charades(predictions, records)
        one = [
            r._replace(segments=[s for s in r.segments if s[0] == 33])
            for r in records
        ]
        expected = charades(predictions, one)
        for name, result in results.items():
            self.assertEqual(
                result.per_class[33], expected[name].per_class[33], name
            )

    def test_missing_classes(self):
        records = Records([Record("a", 10.0, ((1, 2.0, 6.0),))])
        results = charades({"a": np.zeros((25, 2))}, records)
        for name, result in results.items():
            self.assertEqual(result.name, name)
            self.assertEqual(result.missing_classes, ("walk",))
            self.assertTrue(np.isnan(result.per_class[0]))
            self.assertEqual(result.mean, result.per_class[1])
        self.assertIn("1 of 2 classes", str(results["per_frame"]))
        self.assertIn("per_frame: mAP", str(results["per_frame"]))

    def test_class_without_name(self):
        records = [Record("a", 10.0, ((1, 2.0, 6.0),))]
        results = charades({"a": np.zeros((25, 2))}, records)
        self.assertEqual(results["per_frame"].missing_classes, ("0",))

    def test_missing_video_scores_last(self):
        segments = ((0, 0.0, 9.0),)
        records = [Record(name, 10.0, segments) for name in "abc"]
        scores = np.full((25, 1), -1e30)
        with self.assertWarnsRegex(
            UserWarning, "2 of 3 annotated .* score -inf: a, c"
        ):
            results = charades({"b": scores}, records)
        full = {name: np.full((25, 1), -np.inf) for name in "abc"}
        full["b"] = scores
        expected = charades(full, records)
        for name, result in results.items():
            self.assertEqual(result.mean, expected[name].mean, name)
            self.assertLess(result.mean, 1.0)

    def test_missing_video_among_others_of_different_length(self):
        records = [
            Record("a", 10.0, ((0, 0.0, 5.0),)),
            Record("b", 20.0, ((0, 0.0, 5.0),)),
            Record("c", 30.0, ((0, 0.0, 5.0),)),
        ]
        predictions = {"a": np.ones((100, 1)), "b": np.ones((200, 1))}
        with self.assertWarns(UserWarning):
            result = charades(predictions, records)["per_frame"]
        predictions["c"] = np.full((300, 1), -np.inf)
        expected = charades(predictions, records)["per_frame"]
        self.assertEqual(result.mean, expected.mean)

    def test_unknown_video_is_ignored(self):
        predictions, records = make_case()
        expected = charades(predictions, records)
        predictions["stranger"] = np.full((4, 9), np.nan)
        with self.assertWarnsRegex(UserWarning, "1 of 13 .*: stranger"):
            results = charades(predictions, records)
        self.assertEqual(results["per_frame"].mean, expected["per_frame"].mean)

    def test_duration_from_frames(self):
        record = FrameRecord("a", None, ((0, 2.0, 4.0),), 5.0, 50)
        scores = np.linspace(0, 1, 50)[:, None]
        result = charades({"a": scores}, [record])
        expected = charades({"a": scores}, [record._replace(duration=10.0)])
        self.assertEqual(result["per_frame"].mean, expected["per_frame"].mean)

    @parameterized.named_parameters(
        ("fewer", 10, [0, 0.4, 0.8, 1.2]),
        ("more", 50, [0, 2, 4, 6]),
        ("exact", 25, [0, 1, 2, 3]),
    )
    def test_sample_uniformly(self, num_frames, expected):
        scores = np.arange(num_frames, dtype="float64")[:, None]
        out = sample_uniformly(scores, 25)
        self.assertEqual(out.shape, (25, 1))
        np.testing.assert_allclose(out[:4, 0], expected, rtol=1e-12)
        self.assertLessEqual(out[-1, 0], num_frames - 1)

    def test_sample_uniformly_of_integers(self):
        out = sample_uniformly(np.array([[0], [1]]), num_samples=4)
        self.assertEqual(out.tolist(), [[0.0], [0.5], [1.0], [1.0]])

    def test_sample_uniformly_repeats_last_row(self):
        scores = np.random.default_rng(0).random((9, 4))
        out = sample_uniformly(scores, 25)
        np.testing.assert_array_equal(out[23:], scores[[-1, -1]])

    def test_sample_uniformly_with_missing_rows(self):
        scores = np.zeros((50, 1), "float32")
        scores[2::2] = -np.inf
        out = sample_uniformly(scores, 25)
        self.assertEqual(out.dtype, np.float32)
        self.assertEqual(out[:3, 0].tolist(), [0.0, -np.inf, -np.inf])
        self.assertFalse(np.isnan(sample_uniformly(scores[:31], 25)).any())
        self.assertEqual(
            sample_uniformly(scores[:1], 25).tolist(), [[0.0]] * 25
        )

    @parameterized.parameters(1, 2, 24, 26, 49)
    def test_any_number_of_rows(self, num_frames):
        records = [Record("a", 10.0, ((0, -1.0, 11.0),))]
        results = charades({"a": np.zeros((num_frames, 1))}, records)
        for result in results.values():
            self.assertEqual(result.mean, 1.0)

    @parameterized.named_parameters(
        ("no_prediction", {}, None, "`predictions` must hold at least one"),
        ("no_annotation", None, [], "`annotations` must hold at least one"),
        ("no_common_video", {"x": 0}, None, "Received: predictions of x"),
        ("classes", {"a": np.zeros((9, 3))}, None, r"\(9, 3\) for video a"),
        ("rank", {"a": np.zeros(9)}, None, r"\(9,\) for video a"),
        ("no_row", {"a": np.zeros((0, 2))}, None, r"\(0, 2\) for video a"),
        ("nan", {"a": np.full((9, 2), np.nan)}, None, "nan for video a"),
        ("infinite", {"a": np.full((9, 2), np.inf)}, None, "inf for video a"),
        ("duration", None, [Record("a", None, ())], "duration=None of video a"),
        ("zero", None, [Record("a", 0.0, ())], "duration=0.0 of video a"),
        (
            "class_index",
            None,
            [Record("a", 1.0, ((2, 0.0, 1.0),))],
            r"range \[0, 2\). .*segment=\(2, 0.0, 1.0\) of video a",
        ),
        (
            "no_positive",
            None,
            [Record("a", 1.0, ())],
            "`charades_official` needs at least one class .* 2 classes",
        ),
    )
    def test_invalid_arguments(self, predictions, records, message):
        if predictions is None:
            predictions = {"a": np.zeros((25, 2))}
        if records is None:
            records = [Record("a", 10.0, ((0, 0.0, 5.0),))]
        with self.assertRaisesRegex(ValueError, message):
            charades(predictions, Records(records))
