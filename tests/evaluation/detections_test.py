import json
import pathlib
import tempfile

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import DetectedSegment
from ssdet_keras.evaluation import find_segments
from ssdet_keras.evaluation import read_detections_json
from ssdet_keras.evaluation import read_segments_csv
from ssdet_keras.evaluation import write_detections_json
from ssdet_keras.evaluation import write_segments_csv

NASTY = (
    'a,"b"',
    "ü 视频\u2028",
    " x ",
    "line\nbreak\r",
    "'",
    "=1+1",
    "a/b.mp4",
)
NAMES = ["walk", 'jump, "high"', "ü"]
FORMATS = (
    ("csv", write_segments_csv, read_segments_csv),
    ("json", write_detections_json, read_detections_json),
)


class DetectionsTest(parameterized.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = pathlib.Path(folder) / "file"

    @parameterized.product(format=FORMATS, name=["a", "a.gz"])
    def test_round_trip(self, format, name):
        _, write, read = format
        rng = np.random.default_rng(0)
        path = self.path.with_name(name)
        for _ in range(10):
            detections = {
                video_id: [
                    DetectedSegment(
                        int(rng.integers(3)),
                        *np.sort(rng.normal(0, 99, 2)).tolist(),
                        float(rng.normal()),
                    )
                    for _ in range(rng.integers(1, 5))
                ]
                for video_id in NASTY
            }
            write(path, detections, NAMES)
            self.assertEqual(read(path, NAMES), detections)
            self.assertLen(list(path.parent.iterdir()), 1)

    @parameterized.named_parameters(*FORMATS)
    def test_of_found_segments(self, write, read):
        scores = np.random.default_rng(0).random((50, 3)).astype("float32")
        detections = {"a": find_segments(scores, fps=24)}
        write(self.path, detections, NAMES)
        self.assertEqual(read(self.path, NAMES), detections)

    def test_csv(self):
        write_segments_csv(self.path, {"a": [(1, 0, 2.5, 0.5)]}, ["x", "y"])
        self.assertEqual(
            self.path.read_text(),
            "video,class,start,end,score\na,y,0.0,2.5,0.5\n",
        )
        write_segments_csv(self.path, {"a": []}, ["x", "y"])
        self.assertEqual(read_segments_csv(self.path, ["x", "y"]), {})

    def test_json(self):
        detections = {"a": [(1, 0, 2.5, np.float32(0.5))], "b": []}
        write_detections_json(self.path, detections, ["x", "y"])
        content = json.loads(self.path.read_text())
        self.assertEqual(
            content,
            {
                "version": "VERSION 1.3",
                "results": {
                    "a": [{"label": "y", "segment": [0, 2.5], "score": 0.5}],
                    "b": [],
                },
                "external_data": {},
            },
        )
        out = read_detections_json(self.path, ["x", "y"])
        self.assertEqual(out, {"a": [(1, 0.0, 2.5, 0.5)], "b": []})

    @parameterized.named_parameters(
        ("header", "video,start\n", "'start'.* in .*file, line 1"),
        ("class", "a,swim,0,1,1", "3 classes.* class 'swim' in .*, line 2"),
        ("no_video", ",walk,0,1,1", "video '', .*file, line 2"),
        ("number", "a,walk,0,x,1", "The end .* 'x' in .*file, line 2"),
        ("infinite", "a,walk,0,1,inf", "The score .* 'inf' in .*, line 2"),
        ("inverted", "a,walk,2,1,1", "start=2.0, end=1.0 in .*, line 2"),
        ("cells", "a,walk,2,1", "5 cells.* Received: 4 in .*, line 2"),
    )
    def test_invalid_csv(self, text, message):
        if not text.endswith("\n"):
            text = f"video,class,start,end,score\n{text}\n"
        self.path.write_text(text)
        with self.assertRaisesRegex(ValueError, message):
            read_segments_csv(self.path, NAMES)

    @parameterized.named_parameters(
        ("syntax", "{", "JSON .*file .*line 1"),
        ("deep", "[" * 100_000, "JSON .*file"),
        ("list", "[]", r'"results" .* Received: \[\] in .*file'),
        ("no_results", "{}", '"results"'),
        ("twice", '{"results": {"a": [], "a": []}}', "'a' comes twice"),
        ("video", '{"results": {"a": 3}}', "list. Received: 3 of video a in"),
        ("no_id", '{"results": {"": []}}', "A video id .* in .*file"),
        ("surrogate", r'{"results": {"\ud800": []}}', "A video id .*file"),
    )
    def test_invalid_json(self, text, message):
        self.path.write_text(text)
        with self.assertRaisesRegex(ValueError, message):
            read_detections_json(self.path, NAMES)

    @parameterized.named_parameters(
        ("no_object", 3, "Received: 3 as segment 1 of a in .*file"),
        ("no_score", {"score": None}, '"score". Received'),
        ("truth", {"score": True}, "True"),
        ("huge", {"score": 10**400}, "as segment 1 of a"),
        ("no_end", {"segment": [1]}, "as segment 1 of a"),
        ("inverted", {"segment": [2, 1]}, "end after .*as segment 1 of a"),
        ("infinite", {"segment": [2, float("inf")]}, "end after"),
        ("nan", {"score": float("nan")}, "finite score"),
        ("label", {"label": "swim"}, "3 classes. Received: 'swim' of segm"),
        ("labels", {"label": ["walk"]}, r"3 classes. Received: \['walk'\]"),
    )
    def test_invalid_segment(self, change, message):
        good = {"label": "walk", "segment": [1, 2], "score": 1}
        bad = {**good, **change} if isinstance(change, dict) else change
        self.path.write_text(json.dumps({"results": {"a": [good, bad]}}))
        with self.assertRaisesRegex(ValueError, message):
            read_detections_json(self.path, NAMES)

    @parameterized.product(
        format=FORMATS,
        case=[
            ({"": []}, NAMES, "A video id"),
            ({"a": [(3, 0, 1, 1)]}, NAMES, r"\(3, 0, 1, 1\) of video a"),
            ({"a": [(-1, 0, 1, 1)]}, NAMES, "3 classes"),
            ({"a": [(0, 2, 1, 1)]}, NAMES, "end after it starts"),
            ({"a": [(0, 0, np.inf, 1)]}, NAMES, "end after it starts"),
            ({"a": [(0, 0, 1, np.nan)]}, NAMES, "finite score"),
            ({"a": []}, ["x", "x"], "2 names, 1 different"),
            ({"a": []}, [], "0 names"),
            ({"a": []}, [""], "A class name"),
        ],
    )
    def test_invalid_detections(self, format, case):
        _, write, _ = format
        detections, names, message = case
        with self.assertRaisesRegex(ValueError, message):
            write(self.path, detections, names)
        self.assertEmpty(list(self.path.parent.iterdir()))
