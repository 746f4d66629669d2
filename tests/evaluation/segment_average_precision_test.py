import collections

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import DetectedSegment
from ssdet_keras.evaluation import segment_average_precision

Record = collections.namedtuple("Record", ["id", "segments"])


class Records(list):
    """A list of records that names its classes."""

    class_names = ("walk", "run", "jump")


def overlap(a, b):
    intersection = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return intersection / (a[1] - a[0] + b[1] - b[0] - intersection)


def slow_thumos(detections, records, class_index, threshold):
    """One class of the program of THUMOS'14, written out."""
    flags, num_positives = [], 0
    for record in sorted(records):
        truth = [s[1:] for s in record.segments if s[0] == class_index]
        found = [d for d in detections[record.id] if d[0] == class_index]
        found.sort(key=lambda d: -d[3])
        num_positives += len(truth)
        free = [True] * len(found)
        for segment in truth:
            best, best_overlap = None, -1.0
            for k, detection in enumerate(found):
                value = overlap(segment, detection[1:3])
                if free[k] and value > best_overlap:
                    best, best_overlap = k, value
            if best is not None and best_overlap > threshold:
                free[best] = False
        flags += [(d[3], not f) for d, f in zip(found, free, strict=True)]
    flags.sort(key=lambda flag: -flag[0])
    true = total = 0
    for rank, (_, is_true) in enumerate(flags, 1):
        if is_true:
            true += 1
            total += true / rank
    return total / num_positives


def slow_activitynet(detections, records, class_index, threshold):
    """One class of the program of ActivityNet, written out."""
    truth = {
        r.id: [s[1:] for s in r.segments if s[0] == class_index]
        for r in records
    }
    found = [
        (d[3], r.id, d[1:3])
        for r in sorted(records)
        for d in detections[r.id]
        if d[0] == class_index
    ]
    found.sort(key=lambda item: -item[0])
    taken, true, precisions, recalls = set(), 0, [], []
    num_positives = sum(map(len, truth.values()))
    for rank, (_, video, segment) in enumerate(found, 1):
        order = sorted(
            range(len(truth[video])),
            key=lambda k: -overlap(truth[video][k], segment),
        )
        for k in order:
            if overlap(truth[video][k], segment) < threshold:
                break
            if (video, k) not in taken:
                taken.add((video, k))
                true += 1
                break
        precisions.append(true / rank)
        recalls.append(true / num_positives)
    precisions, recalls = [0, *precisions, 0], [0, *recalls, 1]
    for i in reversed(range(len(precisions) - 1)):
        precisions[i] = max(precisions[i], precisions[i + 1])
    return sum(
        (recalls[i] - recalls[i - 1]) * precisions[i]
        for i in range(1, len(recalls))
    )


def make_case(seed):
    """Returns detections around the annotated segments, with false ones."""
    rng = np.random.default_rng(seed)
    detections, records = {}, Records()
    for index in range(12):
        segments, found = [], []
        for _ in range(6):
            class_index = int(rng.integers(3))
            start = rng.uniform(0, 50)
            segments.append((class_index, start, start + rng.uniform(1, 20)))
            for _ in range(3):
                times = np.array(segments[-1][1:]) + rng.normal(0, 3, 2)
                score = round(float(rng.random()), 1)
                found.append(
                    DetectedSegment(class_index, *np.sort(times), score)
                )
        # Not in the order of their names.
        name = f"v{(7 * index) % 12:02d}"
        records.append(Record(name, tuple(segments)))
        detections[name] = found
    return detections, records


class SegmentAveragePrecisionTest(parameterized.TestCase):
    def test_by_hand(self):
        records = [
            Record("a", ((0, 0.0, 10.0), (0, 20.0, 30.0))),
            Record("b", ((0, 0.0, 10.0),)),
        ]
        detections = {
            # tIoU 0.6, of the first segment, and 0.5 again of the same.
            "a": [(0, 0.0, 6.0, 0.7), (0, 5.0, 10.0, 0.9)],
            # Nothing, then tIoU 1.
            "b": [(0, 50.0, 60.0, 0.8), (0, 0.0, 10.0, 0.6)],
        }
        # By score: 0.9 of 0.5, 0.8 false, 0.7 of 0.6, 0.6 of 1.
        results = segment_average_precision(
            detections, records, thresholds=[0.4, 0.5, 0.6, 0.9]
        )
        self.assertEqual(
            list(results),
            [f"thumos_tiou_0.{k}0" for k in (4, 5, 6, 9)]
            + ["thumos_tiou_average"],
        )
        means = [result.mean for result in results.values()]
        # The segment takes the detection of 0.6, at rank 3. The threshold
        # itself is not above the threshold.
        expected = [(1 / 3 + 2 / 4) / 3] * 2 + [1 / 4 / 3] * 2
        np.testing.assert_allclose(means, [*expected, np.mean(expected)])

        results = segment_average_precision(
            detections, records, "activitynet", [0.4, 0.5, 0.6, 0.9]
        )
        means = [result.mean for result in results.values()]
        # The first detection takes the segment, and those of 0.6 are false.
        # Then the detection of 0.6 counts, at a threshold of 0.6 too, but a
        # later rank has a higher precision.
        expected = [(1 + 2 / 4) / 3] * 2 + [(2 / 4 + 2 / 4) / 3, 1 / 4 / 3]
        np.testing.assert_allclose(means, [*expected, np.mean(expected)])
        self.assertEqual(
            results["activitynet_tiou_0.40"].to_rows(), [("0", 3, 0.5)]
        )

    @parameterized.product(
        protocol=["thumos", "activitynet"], seed=[0, 1, 2, 3]
    )
    def test_plain_transcription(self, protocol, seed):
        slow = {"thumos": slow_thumos, "activitynet": slow_activitynet}
        detections, records = make_case(seed)
        results = segment_average_precision(detections, records, protocol)
        self.assertLen(results, {"thumos": 6, "activitynet": 11}[protocol])
        rows = []
        for name, result in list(results.items())[:-1]:
            threshold = float(name.rsplit("_", 1)[1])
            expected = [
                slow[protocol](detections, records, k, threshold)
                for k in range(3)
            ]
            np.testing.assert_allclose(result.per_class, expected, atol=1e-12)
            self.assertEqual(result.class_names, Records.class_names)
            self.assertEqual(result.num_positives.sum(), 72)
            rows.append(expected)
        average = results[f"{protocol}_tiou_average"]
        np.testing.assert_allclose(average.per_class, np.mean(rows, axis=0))
        self.assertAlmostEqual(average.mean, np.mean(rows))

    def test_all_thresholds(self):
        detections, records = make_case(0)
        results = segment_average_precision(
            detections, records, thresholds=np.linspace(0.1, 0.9, 9)
        )
        means = [result.mean for result in results.values()][:-1]
        self.assertLen(means, 9)
        self.assertEqual(means, sorted(means, reverse=True))

    @parameterized.parameters("thumos", "activitynet")
    def test_classes_without_detection_or_segment(self, protocol):
        records = Records([Record("a", ((0, 0.0, 1.0), (1, 0.0, 1.0)))])
        detections = {"a": [(0, 0.0, 1.0, 0.5), (2, 0.0, 1.0, 0.5)]}
        results = segment_average_precision(detections, records, protocol)
        result = results[f"{protocol}_tiou_average"]
        np.testing.assert_array_equal(result.per_class, [1.0, 0.0, np.nan])
        self.assertEqual(result.mean, 0.5)
        self.assertEqual(result.missing_classes, ("jump",))
        results = segment_average_precision({"a": []}, records, protocol)
        self.assertEqual(results[f"{protocol}_tiou_average"].mean, 0.0)

    @parameterized.parameters("thumos", "activitynet")
    def test_empty_segments(self, protocol):
        records = [Record("a", ((0, 1.0, 1.0), (0, 2.0, 3.0)))]
        detections = {"a": [(0, 1.0, 1.0, 0.9), (0, 2.0, 3.0, 0.1)]}
        results = segment_average_precision(detections, records, protocol)
        self.assertEqual(results[f"{protocol}_tiou_average"].mean, 0.25)

    def test_unknown_video_is_ignored(self):
        detections, records = make_case(0)
        expected = segment_average_precision(detections, records)
        detections["stranger"] = [(0, 0.0, 1.0, 1.0)]
        with self.assertWarnsRegex(UserWarning, "1 of 13 .*stranger"):
            results = segment_average_precision(detections, records)
        for name, result in results.items():
            self.assertEqual(result.mean, expected[name].mean)

    @parameterized.named_parameters(
        ("protocol", {"protocol": "coco"}, "protocol='coco'"),
        ("threshold", {"thresholds": [0.0]}, r"thresholds=\[0.\]"),
        ("thresholds", {"thresholds": 0.5}, "thresholds=0.5"),
        ("no_detection", {"detections": {}}, "`detections` must hold"),
        ("no_annotation", {"annotations": []}, "`annotations` must hold"),
        ("video", {"detections": {"x": []}}, "detections of x, .* of a"),
        (
            "nan",
            {"detections": {"a": [(0, 0.0, 1.0, np.nan)]}},
            "nan.* of video a",
        ),
        ("tuple", {"detections": {"a": [(0, 0.0, 1.0)]}}, "of video a"),
        (
            "class_index",
            {"detections": {"a": [(3, 0.0, 1.0, 0.5)]}},
            r"range \[0, 3\). Received: \(3, 0.0, 1.0, 0.5\) of video a",
        ),
        (
            "no_segment",
            {"annotations": Records([Record("a", ())])},
            "`thumos_tiou_0.30` needs at least one class",
        ),
    )
    def test_invalid_arguments(self, kwargs, message):
        arguments = {
            "detections": {"a": []},
            "annotations": Records([Record("a", ((0, 0.0, 1.0),))]),
            **kwargs,
        }
        with self.assertRaisesRegex(ValueError, message):
            segment_average_precision(**arguments)
