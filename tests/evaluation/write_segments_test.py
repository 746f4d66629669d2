import csv
import json
import pathlib
import tempfile
import unittest

from ssdet_keras.evaluation import DetectedSegment
from ssdet_keras.evaluation import write_segments

NAMES = ["walk", 'say "hi", <b>&', "日本語"]
SEGMENTS = [
    DetectedSegment(1, 0.5, 1.0004, 0.87654),
    DetectedSegment(2, 7199.9996, 7201.0, 1.0),
]


class WriteSegmentsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_csv(self):
        path = self.folder / "a.csv"
        write_segments(path, SEGMENTS, NAMES)
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        self.assertEqual(
            rows,
            [
                ["class", "start", "end", "score"],
                [NAMES[1], "0.500", "1.000", "0.8765"],
                [NAMES[2], "7200.000", "7201.000", "1.0000"],
            ],
        )

    def test_json(self):
        path = self.folder / "a.JSON"
        write_segments(path, SEGMENTS, NAMES)
        self.assertEqual(
            json.loads(path.read_text(encoding="utf-8")),
            [
                {"class": NAMES[1], "start": 0.5, "end": 1.0, "score": 0.8765},
                {"class": NAMES[2], "start": 7200.0, "end": 7201, "score": 1.0},
            ],
        )

    def test_nothing(self):
        write_segments(self.folder / "a.csv", [], NAMES)
        write_segments(self.folder / "a.json", [], NAMES)
        text = (self.folder / "a.csv").read_text()
        self.assertEqual(text, "class,start,end,score\n")
        self.assertEqual(json.loads((self.folder / "a.json").read_text()), [])

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(ValueError, "path=a.txt"):
            write_segments("a.txt", SEGMENTS, NAMES)
        with self.assertRaisesRegex(ValueError, "2 names, class_index=2"):
            write_segments(self.folder / "a.csv", SEGMENTS, NAMES[:2])
        self.assertEqual(list(self.folder.iterdir()), [])
