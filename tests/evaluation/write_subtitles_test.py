import html
import pathlib
import re
import tempfile

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import DetectedSegment
from ssdet_keras.evaluation import write_subtitles

NAMES = ["walk", "run", "sit"]
TIME = r"(\d{2,}):([0-5]\d):([0-5]\d)[.,](\d{3})"


def parse(text):
    """Returns a list of start, end (in ms) and the lines of each cue."""
    cues = []
    for block in text.removeprefix("WEBVTT\n").strip().split("\n\n"):
        lines = [x for x in block.split("\n") if not x.isdigit()]
        match = re.fullmatch(f"{TIME} --> {TIME}", lines[0])
        h1, m1, s1, u1, h2, m2, s2, u2 = map(int, match.groups())
        start = ((h1 * 60 + m1) * 60 + s1) * 1000 + u1
        end = ((h2 * 60 + m2) * 60 + s2) * 1000 + u2
        cues.append((start, end, lines[1:]))
    return cues


class WriteSubtitlesTest(parameterized.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, ending, segments, names=NAMES):
        path = self.folder / f"subtitles.{ending}"
        write_subtitles(path, segments, names)
        return path.read_bytes().decode("utf-8")

    def test_several_at_once(self):
        segments = [
            DetectedSegment(1, 2.0, 4.25, 0.9),
            DetectedSegment(0, 1.5, 3.0, 0.8),
            DetectedSegment(2, 4.25, 360000.5, 0.8),
        ]
        self.assertEqual(
            self.write("vtt", segments),
            "WEBVTT\n"
            "\n00:00:01.500 --> 00:00:02.000\nwalk\n"
            "\n00:00:02.000 --> 00:00:03.000\nwalk\nrun\n"
            "\n00:00:03.000 --> 00:00:04.250\nrun\n"
            "\n00:00:04.250 --> 100:00:00.500\nsit\n",
        )
        self.assertEqual(
            self.write("srt", segments),
            "1\n00:00:01,500 --> 00:00:02,000\nwalk\n"
            "\n2\n00:00:02,000 --> 00:00:03,000\nwalk\nrun\n"
            "\n3\n00:00:03,000 --> 00:00:04,250\nrun\n"
            "\n4\n00:00:04,250 --> 100:00:00,500\nsit\n",
        )

    def test_nothing(self):
        self.assertEqual(self.write("vtt", []), "WEBVTT\n")
        self.assertEqual(self.write("srt", []), "")
        # Less than a millisecond.
        short = [DetectedSegment(0, 1.0001, 1.0002, 0.5)]
        self.assertEqual(self.write("vtt", short), "WEBVTT\n")

    def test_segments_of_a_class_that_touch_or_overlap_are_one(self):
        for start in (1.0, 2.0, 3.0):
            segments = [
                DetectedSegment(0, 1.0, 3.0, 0.8),
                DetectedSegment(0, start, 4.0, 0.8),
            ]
            self.assertEqual(
                parse(self.write("vtt", segments)), [(1000, 4000, ["walk"])]
            )

    def test_names_are_escaped(self):
        names = ["a --> b & <i>c</i>", "x\n\n1\n{\\an8}y", " "]
        segments = [DetectedSegment(i, 0.0, 1.0, 0.5) for i in range(3)]
        ((_, _, lines),) = parse(self.write("vtt", segments, names))
        for line in lines:
            self.assertNotRegex(line, "[<>]")
        self.assertEqual(
            [html.unescape(line) for line in lines],
            ["-", names[0], "x 1 {\\an8}y"],
        )
        ((_, _, lines),) = parse(self.write("srt", segments, names))
        self.assertEqual(
            lines, ["-", "a \u2192 b & \u2039i>c\u2039/i>", "x 1 (\\an8}y"]
        )

    @parameterized.parameters("vtt", "srt")
    def test_agrees_with_every_millisecond(self, ending):
        rng = np.random.default_rng(0)
        for _ in range(50):
            segments = [
                DetectedSegment(
                    int(rng.integers(3)),
                    start := int(rng.integers(60)) / 1000,
                    start + int(rng.integers(30)) / 1000,
                    0.5,
                )
                for _ in range(int(rng.integers(1, 7)))
            ]
            shown = [set() for _ in range(100)]
            text = self.write(ending, segments)
            cues = parse(text) if "-->" in text else []
            for start, end, lines in cues:
                self.assertLess(start, end)
                self.assertLen(set(lines), len(lines))
                for time in range(start, end):
                    self.assertFalse(shown[time])
                    shown[time] = set(lines)
            self.assertEqual(cues, sorted(cues))
            for time in range(100):
                active = {
                    NAMES[x.class_index]
                    for x in segments
                    if round(1000 * x.start) <= time < round(1000 * x.end)
                }
                self.assertEqual(shown[time], active)

    def test_invalid_arguments(self):
        segment = DetectedSegment(3, 0.0, 1.0, 0.5)
        with self.assertRaisesRegex(ValueError, "path=a.txt"):
            write_subtitles("a.txt", [], NAMES)
        with self.assertRaisesRegex(ValueError, "one of the 3 classes.*3, "):
            self.write("vtt", [segment])
        with self.assertRaisesRegex(ValueError, "before 0.*start=-1"):
            self.write("srt", [segment._replace(class_index=0, start=-1.0)])
