import json
import math
import os

from absl.testing import parameterized
from data.folder_test_case import FolderTestCase

from ssdet_keras.data import VideoRecords
from ssdet_keras.data import read_kinetics

HEADER = "label,youtube_id,time_start,time_end,split\n"
ROWS = (
    "air drumming,aaaaaaaaaaa,3,13,train\n"
    '"eating, fast",bbbbbbbbbbb,20,30,train\n'
    "abseiling,ccccccccccc,0,10,validate\n"
)


class ReadKineticsTest(FolderTestCase):
    def make_videos(self):
        self.touch("videos", "train", "aaaaaaaaaaa_000003_000013.mp4")
        self.touch("videos", "eating, fast", "bbbbbbbbbbb.mkv")
        self.touch("videos", "ccccccccccc_000000_000010.webm")
        return self.make_path("videos")

    def test_csv(self):
        root = self.make_videos()
        records = read_kinetics(self.write(HEADER + ROWS, "a.csv"), root)
        self.assertIsInstance(records, VideoRecords)
        self.assertEqual(
            records.class_names, ["abseiling", "air drumming", "eating, fast"]
        )
        self.assertEqual(
            [record.id for record in records],
            ["aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc"],
        )
        self.assertEqual(
            [os.path.relpath(record.path, root) for record in records],
            [
                "train/aaaaaaaaaaa_000003_000013.mp4",
                "eating, fast/bbbbbbbbbbb.mkv",
                "ccccccccccc_000000_000010.webm",
            ],
        )
        self.assertEqual(
            [record.segments for record in records],
            [((i, 0.0, math.inf),) for i in (1, 2, 0)],
        )
        self.assertEqual([r.duration for r in records], [10.0] * 3)
        self.assertEqual(records.repairs, {})
        self.assertEqual(records.report(), "3 videos, 3 segments of 3 classes")

    def test_splits(self):
        root = self.make_videos()
        path = self.write(HEADER + ROWS, "a.csv")
        for split, count in (("train", 2), ("val", 1), ("validate", 1)):
            records = read_kinetics(path, root, split=split)
            self.assertLen(records, count)
            # Class indices do not depend on the split.
            self.assertLen(records.class_names, 3)
        with self.assertRaisesRegex(ValueError, "no videos of split='test'"):
            read_kinetics(path, root, split="test")

    def test_json(self):
        entries = {
            "aaaaaaaaaaa": {
                "subset": "train",
                "annotations": {"label": "air drumming", "segment": [3, 13]},
            },
            "ccccccccccc": {
                "subset": "validate",
                "annotations": {"label": "abseiling", "segment": [0, 10]},
            },
        }
        path = self.write(json.dumps(entries), "a.json")
        root = self.make_videos()
        records = read_kinetics(path, root)
        self.assertEqual([r.segments[0][0] for r in records], [1, 0])
        self.assertTrue(all(os.path.exists(r.path) for r in records))
        records = read_kinetics(path, root, split="val")
        self.assertEqual([r.id for r in records], ["ccccccccccc"])

    def test_list(self):
        root = self.make_videos()
        text = (
            "train/aaaaaaaaaaa_000003_000013.mp4 2\n"
            "eating, fast/bbbbbbbbbbb.mkv 0\n"
        )
        records = read_kinetics(self.write(text, "a.csv"), root, split="train")
        self.assertEqual(records.class_names, ["0", "1", "2"])
        self.assertEqual([r.segments[0][0] for r in records], [2, 0])
        self.assertEqual(records.repairs, {})
        self.assertTrue(all(os.path.exists(r.path) for r in records))
        self.assertEqual(records[1].id, "bbbbbbbbbbb")

        commas = self.write("train/aaaaaaaaaaa_000003_000013.mp4,1\n", "b.csv")
        records = read_kinetics(commas, root, class_names=["x", "y"])
        self.assertEqual(records[0].segments[0][0], 1)

    @parameterized.parameters(
        ("train/a b/x.mp4 7", "train/a b/x.mp4", 7),
        ("train/a b/x.mp4,7", "train/a b/x.mp4", 7),
        ("a, b/x.mp4 , 007", "a, b/x.mp4", 7),
        ("./train//x.mp4\t0", "train/x.mp4", 0),
        ("2 1 3", "2 1", 3),
    )
    def test_line_of_list(self, line, path, label):
        self.touch("videos", *path.split("/"))
        root = self.make_path("videos")
        (record,) = read_kinetics(self.write(line, "list.csv"), root)
        self.assertEqual(os.path.relpath(record.path, root), path)
        self.assertEqual(record.segments, ((label, 0.0, math.inf),))

    @parameterized.parameters("\n", "\r\n", "\r")
    def test_byte_order_mark_and_line_ends(self, end):
        text = "\ufeff" + end.join([*(HEADER + ROWS).splitlines(), ""])
        records = read_kinetics(
            self.write(text, "a.csv"), self.make_videos(), split="train"
        )
        self.assertEqual(records[1].segments, ((2, 0.0, math.inf),))
        self.assertEqual(records.repairs, {})

    def test_columns_in_another_order(self):
        text = (
            '"split", youtube_id,is_cc,label,time_end,time_start\n'
            "train,aaaaaaaaaaa,0,yoga,13,3\n"
        )
        (record,) = read_kinetics(
            self.write(text, "a.csv"), self.make_videos(), split="training"
        )
        self.assertEqual(record.id, "aaaaaaaaaaa")
        self.assertEqual(record.duration, 10.0)
        self.assertTrue(os.path.exists(record.path))

    def test_names_that_no_file_can_have(self):
        entries = {
            video_id: {"annotations": {"label": label}}
            for video_id, label in (
                ("aaaaaaaaaaa", "\0"),
                ("long", 300 * "a"),
                ("surrogate", "\ud800"),
                (300 * "b", "x/../../x"),
            )
        }
        self.touch("videos", "aaaaaaaaaaa.mp4")
        path = self.write(json.dumps(entries), "a.json")
        records = read_kinetics(path, self.make_path("videos"))
        self.assertLen(records, 4)
        self.assertEqual(records.repairs, {"missing_video": 3})

    def test_names_that_come_twice_in_json(self):
        entry = '"aaaaaaaaaaa": {"annotations": {"label": "%s"}}'
        text = f'{{{entry % "yoga"}, {entry % "abseiling"}, "": {{}}}}'
        self.touch("videos", "aaaaaaaaaaa.mp4")
        records = read_kinetics(
            self.write(text, "a.json"), self.make_path("videos")
        )
        self.assertEqual(records.class_names, ["yoga"])
        self.assertEqual(
            records.repairs,
            {"row_dropped_duplicate": 1, "row_dropped_malformed": 1},
        )

    def test_class_names(self):
        root = self.make_videos()
        path = self.write(HEADER + ROWS, "a.csv")
        names = ["eating, fast", "abseiling", "yoga", "air drumming"]
        expected = [3, 0, 1]
        listed = self.write("\n".join(names) + "\n", "classes.txt")
        for class_names in (names, listed):
            records = read_kinetics(path, root, class_names=class_names)
            self.assertEqual(records.class_names, names)
            self.assertEqual([r.segments[0][0] for r in records], expected)
        with self.assertRaisesRegex(
            ValueError, r"'eating, fast' in line 3 of .*a\.csv"
        ):
            read_kinetics(path, root, class_names=["abseiling", "air drumming"])
        bad = self.write("train/a.mp4 7\n", "list.csv")
        with self.assertRaisesRegex(ValueError, "'7' in line 1 of"):
            read_kinetics(bad, root, class_names=names)

    def test_folders_of_frames_and_missing_videos(self):
        self.touch("videos", "train", "aaaaaaaaaaa", "0001.jpg")
        root = self.make_path("videos")
        path = self.write(HEADER + ROWS, "a.csv")
        records = read_kinetics(path, root)
        self.assertEqual(
            [os.path.relpath(record.path, root) for record in records],
            [
                "train/aaaaaaaaaaa",
                "train/bbbbbbbbbbb_000020_000030.mp4",
                "ccccccccccc_000000_000010.mp4",
            ],
        )
        self.assertEqual(records.repairs, {"missing_video": 2})
        self.assertIn("missing_video: 2", records.report())
        self.assertIn("bbbbbbbbbbb", records.report())

    def test_dirty_rows(self):
        root = self.make_videos()
        text = (
            HEADER
            + ROWS
            + "abseiling,ccccccccccc,0,10,validate\n"  # Twice.
            + "abseiling,aaaaaaaaaaa,50,60,train\n"  # Another clip of it.
            + "abseiling\n\n"
            + ",eeeeeeeeeee,9,19,train\n"  # No label.
            + "abseiling, ,9,19,train\n"  # No id.
            + "abseiling,ddddddddddd,9,1,train\n"
        )
        records = read_kinetics(self.write(text, "a.csv"), root)
        self.assertEqual(
            records.repairs,
            {
                "row_dropped_duplicate": 1,
                "row_dropped_malformed": 3,
                "unknown_duration": 1,
                "missing_video": 2,
            },
        )
        self.assertEqual(
            [record.id for record in records],
            [
                "aaaaaaaaaaa_000003_000013",
                "bbbbbbbbbbb",
                "ccccccccccc",
                "aaaaaaaaaaa_000050_000060",
                "ddddddddddd",
            ],
        )
        self.assertEqual(records.examples["row_dropped_malformed"], "line 7")
        self.assertLen({record.path for record in records}, 5)
        self.assertIsNone(records[4].duration)

    def test_slices(self):
        records = read_kinetics(
            self.write(HEADER + ROWS, "a.csv"), self.make_videos()
        )
        first = records[:2]
        self.assertIsInstance(first, VideoRecords)
        self.assertLen(first, 2)
        self.assertEqual(first.class_names, records.class_names)
        self.assertEqual(first[-1], records[1])

    def test_errors(self):
        root = self.make_videos()
        with self.assertRaisesRegex(FileNotFoundError, "annotation file"):
            read_kinetics(self.make_path("none.csv"), root)
        path = self.write(HEADER + ROWS, "a.csv")
        with self.assertRaisesRegex(FileNotFoundError, "folder of the videos"):
            read_kinetics(path, self.make_path("nowhere"))
        empty = self.make_path("empty", "x")
        with self.assertRaisesRegex(FileNotFoundError, "None of the 3"):
            read_kinetics(path, os.path.dirname(empty))
        for name, text, message in (
            ("empty", "", "hold no videos"),
            ("header", HEADER, "hold no videos"),
            ("column", "youtube_id,split\na,b\n", "without .'label'"),
            ("words", "hello world\n", "'hello world' in line 1"),
            ("json", '{"a": ', "valid JSON"),
            ("list", "[1]", "JSON object"),
            ("entry", '{"a": 1}', "'a': 1"),
            ("label", '{"a": {"annotations": {}}}', '"annotations" with a'),
            ("text", '{"a": {"annotations": {"label": 1}}}', "with a .label"),
            ("subset", '{"a": {"subset": 1}}', '"subset" of each'),
            ("digits", "a.mp4 1234567\n", "'a.mp4 1234567' in line 1"),
            ("long", HEADER + 2**18 * "a", "field limit"),
            ("zero", "a.mp4\0 1\n", "zero byte"),
            ("last", HEADER + 'a,b,1,2,"train\nc,d,1,2,val\n', "line 2 is"),
            ("quote", HEADER + '"a,b\nc,d,1,2,train\n', "line 2 is never"),
        ):
            with (
                self.subTest(name),
                self.assertRaisesRegex(ValueError, message),
            ):
                read_kinetics(self.write(text, "bad.csv"), root)
        with open(path, "wb") as file:
            file.write(b"\xff\xfe\x00label")
        with self.assertRaisesRegex(ValueError, "UTF-8"):
            read_kinetics(path, root)
