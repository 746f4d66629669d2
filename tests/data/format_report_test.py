import dataclasses

from absl.testing import parameterized

from ssdet_keras.data.dataset_report import DatasetReport
from ssdet_keras.data.dataset_report import PartSummary
from ssdet_keras.data.finding import FINDING_KINDS
from ssdet_keras.data.finding import Finding

TEXT = """
DATA SET

  annotations       videos  segments  hours
  train.csv    [1]   1,200     2,400   0.50
  test.csv     [2]       1         2   0.25

FINDINGS

  finding           videos  [1]  [2]
  corrupt  problem       4    4    0
  rotated  note          1    0    1

  corrupt: 4 videos
    A file is there, but it can't be read, or not to its end.
    -> Get it again, or train without it with --skip_list.
      v/0.mp4: it is empty
      v/1.mp4: it is empty
      v/2.mp4: it is empty
      and 1 more in report.json

  rotated: 1 video
    The file asks to be turned when it is shown.
    -> Nothing: the frames that are read are upright.
      v/9.mp4: by 90 degrees

REPAIRS OF THE ANNOTATIONS

  repair                    [1]  [2]  what it is
  of_another_reader           1    0
  segment_dropped_inverted    0    3  left out: it ends before it starts

FRAME RATES

  frames per second  videos
  25                     10
  29.97                   2

CLASSES (1 of 2 used)

  class    videos  segments   seconds
  walking   1,201     2,402  1,000.50
  Without any video: running
  Not in test.csv: walking

4 of 1,201 videos with problems. The header and the first frame of each were
read: --thorough finds the videos that break off later.
"""


def make_part(name, num_videos, num_segments, seconds, repairs, classes):
    return PartSummary(
        name,
        num_videos,
        num_segments,
        seconds,
        repairs,
        {
            name: dict(zip(("videos", "segments", "seconds"), v, strict=True))
            for name, v in classes.items()
        },
    )


def make_corrupt(number):
    path = f"v/{number}.mp4"
    return Finding("corrupt", "train.csv", str(number), path, "it is empty")


class FormatReportTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        nothing = (0, 0, 0.0)
        self.report = DatasetReport(
            parts=[
                make_part(
                    "train.csv",
                    1200,
                    2400,
                    1800.0,
                    {"of_another_reader": 1},
                    {"running": nothing, "walking": (1201, 2402, 1000.5)},
                ),
                make_part(
                    "test.csv",
                    1,
                    2,
                    900.0,
                    {"segment_dropped_inverted": 3},
                    {"running": nothing, "walking": nothing},
                ),
            ],
            findings=[
                Finding("rotated", "test.csv", "9", "v/9.mp4", "by 90 degrees"),
                *(make_corrupt(number) for number in range(4)),
            ],
            fps={25.0: 10, 29.97: 2},
            settings={"thorough": False},
        )

    def test_text(self):
        self.assertEqual(self.report.to_text(), TEXT)

    def test_all_is_well(self):
        report = dataclasses.replace(
            self.report, findings=[], settings={"thorough": True}
        )
        text = report.to_text()
        self.assertIn("FINDINGS\n\n  None.\n", text)
        self.assertIn(
            "0 of 1,201 videos with problems. Every frame was decoded.", text
        )

    def test_long_lists_of_classes(self):
        classes = {f"c{i:03d}": (i, i, float(i)) for i in range(157)}
        part = make_part("a.csv", 1, 1, 1.0, {}, classes)
        text = dataclasses.replace(self.report, parts=[part]).to_text()
        self.assertIn("CLASSES (156 of 157 used)", text)
        self.assertIn("  c156           156       156   156.00\n", text)
        self.assertIn("  (140 more)", text)
        self.assertIn("  c001             1", text)
        self.assertNotIn("c100", text)
        self.assertIn("Without any video: c000\n", text)

    def test_one_problem_of_a_video_counts(self):
        finding = self.report.findings[1]
        twice = [finding, dataclasses.replace(finding, kind="short")]
        report = dataclasses.replace(self.report, findings=twice)
        self.assertIn("1 of 1,201 videos with problems", report.to_text())
        self.assertEqual(
            report.to_skip(["short", "corrupt"]),
            {"v/0.mp4": "corrupt: it is empty; short: it is empty"},
        )
        self.assertEqual(report.to_skip(["missing"]), {})

    def test_every_kind_is_explained(self):
        for kind, explained in FINDING_KINDS.items():
            with self.subTest(kind=kind):
                self.assertEndsWith(explained.meaning, ".")
                self.assertEndsWith(explained.remedy, ".")
