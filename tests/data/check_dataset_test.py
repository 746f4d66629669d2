import json
import os
import shutil
from unittest import mock

from absl.testing import parameterized
from data.folder_test_case import FolderTestCase
from data.numbered_video import write_folder
from data.numbered_video import write_video

from ssdet_keras.data import VideoRecord
from ssdet_keras.data import VideoRecords
from ssdet_keras.data import check_dataset
from ssdet_keras.data import probe_video


class CheckDatasetTest(FolderTestCase):
    def records(self, *names, segments=((0, 0.0, 1.0),), repairs=None):
        return VideoRecords(
            [
                VideoRecord(
                    os.path.splitext(name)[0],
                    self.make_path(name),
                    segments=tuple(segments),
                )
                for name in names
            ],
            ["walking", "running"],
            repairs,
        )

    def add_video(self, name, num_frames):
        write_video(self.make_path(name), num_frames)

    def check(self, parts, **kwargs):
        kwargs = {"num_frames": 2, "frame_stride": 1, **kwargs}
        return check_dataset(parts, num_processes=0, verbose=False, **kwargs)

    def found(self, report):
        return [(f.kind, f.part, f.id, f.detail) for f in report.findings]

    def test_nothing_is_wrong(self):
        self.add_video("a.mp4", 25)
        write_folder(self.make_path("b"), 24)
        report = self.check({"all": self.records("a.mp4", "b")})
        self.assertEqual(report.findings, [])
        self.assertEqual(report.fps, {24.0: 1, 25.0: 1})
        self.assertEqual(report.parts[0].num_videos, 2)
        self.assertEqual(report.parts[0].num_segments, 2)
        self.assertEqual(report.parts[0].seconds, 2.0)
        self.assertEqual(
            report.parts[0].classes,
            {
                "walking": {"videos": 2, "segments": 2, "seconds": 2.0},
                "running": {"videos": 0, "segments": 0, "seconds": 0.0},
            },
        )

    def test_missing_and_short(self):
        self.add_video("a.mp4", 75)
        report = self.check(
            {"all": self.records("a.mp4", "b.mp4")},
            num_frames=16,
            frame_stride=5,
        )
        self.assertEqual(
            self.found(report),
            [
                ("short", "all", "a", "75 of 76 frames"),
                ("missing", "all", "b", "there is no such file"),
            ],
        )

    def test_histogram(self):
        self.add_video("a.mp4", 50)
        # To the end of the file of two seconds, inside it, and after it.
        segments = [(0, 0.5, float("inf")), (0, 0.0, 1.0), (1, 3.0, 4.0)]
        report = self.check({"all": self.records("a.mp4", segments=segments)})
        self.assertEqual(
            report.parts[0].classes,
            {
                "walking": {"videos": 1, "segments": 2, "seconds": 2.5},
                "running": {"videos": 1, "segments": 1, "seconds": 0.0},
            },
        )

    @parameterized.parameters(False, True)
    def test_duplicates_and_leaks(self, thorough):
        for number, name in enumerate("abcd"):
            self.add_video(f"{name}.mp4", 25 + number)
        # Unlike the others, "e" and "f" are the same in different names.
        shutil.copy(self.make_path("a.mp4"), self.make_path("e.mp4"))
        shutil.copy(self.make_path("a.mp4"), self.make_path("f.mp4"))
        shutil.copy(self.make_path("b.mp4"), self.make_path("g.mp4"))
        report = self.check(
            {
                "train": self.records("a.mp4", "b.mp4", "c.mp4"),
                "val": self.records("g.mp4"),
                "test": self.records("d.mp4", "e.mp4", "f.mp4", "c.mp4"),
            },
            thorough=thorough,
        )
        self.assertCountEqual(
            self.found(report),
            [
                ("leak", "train", "a", "test has it as e"),
                ("leak", "train", "b", "val has it as g"),
                ("leak", "train", "c", "test has it"),
                ("duplicate", "test", "f", "the same as e"),
            ],
        )
        self.assertEqual(
            report.to_skip(["duplicate", "leak"]),
            {
                self.make_path("c.mp4"): "leak: test has it",
                self.make_path("a.mp4"): "leak: test has it as e",
                self.make_path("b.mp4"): "leak: val has it as g",
                self.make_path("f.mp4"): "duplicate: the same as e",
            },
        )

    def test_unreadable_videos_are_no_duplicates(self):
        self.touch("a.mp4")
        self.touch("b.mp4")
        report = self.check({"all": self.records("a.mp4", "b.mp4")})
        self.assertEqual([f.kind for f in report.findings], 2 * ["corrupt"])
        self.assertEqual(report.fps, {})

    def test_two_records_of_one_file(self):
        self.add_video("a.mp4", 25)
        (record,) = self.records("a.mp4")
        records = VideoRecords(
            [record, VideoRecord("b", record.path, segments=record.segments)],
            ["walking"],
        )
        self.assertEqual(
            self.found(self.check({"all": records})),
            [("duplicate", "all", "b", "the same as a")],
        )

    def test_journal(self):
        self.add_video("a.mp4", 25)
        self.add_video("b.mp4", 26)
        self.touch("c.mp4")
        journal = self.make_path("journal.jsonl")
        parts = {"all": self.records("a.mp4", "b.mp4", "c.mp4", "d.mp4")}

        def check(thorough=False):
            """Returns the report, and the names that were looked at."""
            with mock.patch(
                "ssdet_keras.data.check_dataset.probe_video", wraps=probe_video
            ) as probe:
                report = self.check(parts, thorough=thorough, journal=journal)
            names = [call.args[0][-5:] for call in probe.call_args_list]
            return report, "".join(names)

        first, names = check()
        self.assertEqual(names, "a.mp4b.mp4c.mp4")
        second, names = check()
        self.assertEqual(names, "")
        self.assertEqual(second, first)
        # What changed, or was never decoded, is looked at again.
        self.add_video("b.mp4", 30)
        self.assertEqual(check()[1], "b.mp4")
        self.assertEqual(check(thorough=True)[1], "a.mp4b.mp4c.mp4")
        self.assertEqual(check(thorough=True)[1], "")
        self.assertEqual(check()[1], "")
        # A new time of change alone, and a copy of the same name and size.
        os.utime(self.make_path("a.mp4"), ns=(1, 1))
        self.assertEqual(check()[1], "a.mp4")

    def test_failed_job_is_tried_again(self):
        self.add_video("a.mp4", 25)
        journal = self.make_path("journal.jsonl")
        parts = {"all": self.records("a.mp4")}
        with mock.patch(
            "ssdet_keras.data.check_dataset.probe_video",
            side_effect=MemoryError("full"),
        ):
            report = self.check(parts, journal=journal)
        self.assertEqual(
            self.found(report), [("corrupt", "all", "a", "MemoryError: full")]
        )
        self.assertEqual(self.check(parts, journal=journal).findings, [])

    def test_json(self):
        self.add_video("a.mp4", 25)
        parts = {"all": self.records("a.mp4", "b.mp4", repairs={"x": 2})}
        report = json.loads(json.dumps(self.check(parts).to_json()))
        self.assertEqual(
            report,
            {
                "version": 1,
                "settings": {
                    "num_frames": 2,
                    "frame_stride": 1,
                    "thorough": False,
                },
                "num_problems": 1,
                "counts": {"missing": 1},
                "parts": [
                    {
                        "name": "all",
                        "num_videos": 2,
                        "num_segments": 2,
                        "seconds": 1.0,
                        "repairs": {"x": 2},
                        "classes": {
                            "walking": {
                                "videos": 2,
                                "segments": 2,
                                "seconds": 1.0,
                            },
                            "running": {
                                "videos": 0,
                                "segments": 0,
                                "seconds": 0.0,
                            },
                        },
                    }
                ],
                "fps": {"25": 1},
                "findings": [
                    {
                        "kind": "missing",
                        "part": "all",
                        "id": "b",
                        "path": self.make_path("b.mp4"),
                        "detail": "there is no such file",
                    }
                ],
            },
        )

    @parameterized.named_parameters(
        ("parts", {"parts": {}}, "`parts` must hold records"),
        ("num_frames", {"num_frames": 0}, "num_frames=0"),
        ("frame_stride", {"frame_stride": 0}, "frame_stride=0"),
    )
    def test_invalid_arguments(self, kwargs, message):
        kwargs = {"parts": {"all": self.records("a.mp4")}, **kwargs}
        with self.assertRaisesRegex(ValueError, message):
            self.check(**kwargs)
