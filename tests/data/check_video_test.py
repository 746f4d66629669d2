import dataclasses

from absl.testing import parameterized

from ssdet_keras.data import VideoRecord
from ssdet_keras.data.check_video import check_video
from ssdet_keras.data.finding import FINDING_KINDS
from ssdet_keras.data.probe_video import VideoFacts

# Ten seconds.
RECORD = VideoRecord("a", "a.mp4", duration=10.0, segments=((0, 1.0, 4.0),))
FACTS = VideoFacts(num_frames=250, fps=25.0, height=64, width=64, codec="h264")
INFINITY = float("inf")


class CheckVideoTest(parameterized.TestCase):
    def check(self, facts=FACTS, clip_length=76, **changes):
        record = dataclasses.replace(RECORD, **changes)
        findings = check_video(record, facts, clip_length)
        self.assertLessEqual({kind for kind, _ in findings}, set(FINDING_KINDS))
        return findings

    def test_nothing_is_wrong(self):
        self.assertEqual(self.check(), [])
        self.assertEqual(self.check(duration=None), [])
        self.assertEqual(self.check(segments=((0, 0.0, INFINITY),)), [])
        self.assertEqual(self.check(clip_length=250), [])

    @parameterized.named_parameters(
        ("missing", None, {}, "missing", "there is no such file"),
        ("corrupt", {"error": "it is empty"}, {}, "corrupt", "it is empty"),
        ("rotated", {"rotation": 90}, {}, "rotated", "by 90 degrees"),
        ("background", {}, {"segments": ()}, "no_segments", "no segment"),
        ("clip", {}, {"clip_length": 251}, "short", "250 of 251 frames"),
        (
            "unknown",
            {"num_frames": None},
            {},
            "unknown_length",
            "codec h264",
        ),
        (
            "slow",
            {"fps": 9.9, "num_frames": 99},
            {},
            "odd_fps",
            "9.9 frames per second",
        ),
        (
            "fast",
            {"fps": 1000.0, "num_frames": 10000},
            {},
            "odd_fps",
            "1000 frames per second",
        ),
        (
            "other_fps",
            {},
            {"fps": 24.0},
            "fps_differs",
            "24 annotated, 25 in the file",
        ),
        (
            "other_duration",
            {},
            {"duration": 11.1},
            "duration_differs",
            "11.1 s annotated, 10.0 s in the file",
        ),
        (
            "outside",
            {},
            {"segments": ((0, 1, 4), (1, 10, 12.0), (1, 12.0, INFINITY))},
            "segment_outside",
            "2 of 3 segments, up to 12.00 s in a file of 10.00 s",
        ),
        (
            "cut",
            {},
            {"segments": ((0, 1, 11), (1, 3, 12.5), (0, 2, INFINITY))},
            "segment_cut",
            "1 of 3 segments, by up to 2.5 s",
        ),
    )
    def test_one_finding(self, facts, changes, kind, detail):
        if facts is not None:
            facts = dataclasses.replace(FACTS, **facts)
        self.assertEqual(self.check(facts, **changes), [(kind, detail)])

    def test_tolerances(self):
        self.assertEqual(self.check(duration=11.0), [])
        self.assertEqual(self.check(duration=9.0), [])
        self.assertEqual(self.check(segments=((0, 9.9, 11.0),)), [])
        self.assertEqual(self.check(fps=25.2), [])
        long = dataclasses.replace(FACTS, num_frames=2500)
        self.assertEqual(self.check(long, duration=105.0), [])

    def test_annotated_fps_decides(self):
        # The frames of a folder have no frame rate of their own.
        folder = dataclasses.replace(FACTS, codec="frames", fps=24.0)
        self.assertEqual(self.check(folder, fps=25.0), [])
        self.assertEqual(
            self.check(folder, fps=50.0, segments=((0, 6.0, 7.0),)),
            [
                ("duration_differs", "10.0 s annotated, 5.0 s in the file"),
                (
                    "segment_outside",
                    "1 of 1 segments, up to 6.00 s in a file of 5.00 s",
                ),
            ],
        )

    def test_several_findings(self):
        facts = dataclasses.replace(FACTS, num_frames=20, rotation=180, fps=5.0)
        kinds = [kind for kind, _ in self.check(facts, segments=())]
        self.assertEqual(
            kinds,
            ["rotated", "no_segments", "odd_fps", "short", "duration_differs"],
        )
