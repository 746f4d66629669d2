import json

from data.folder_test_case import FolderTestCase

from ssdet_keras.data import read_multithumos

ENTRIES = {
    "video_validation_0000051": {
        "subset": "training",
        "duration": 10.0,
        "actions": [[1, 2.5, 3.1], [65, 8.0, 12.0]],
    },
    "video_test_0000004": {
        "subset": "testing",
        "duration": 33.7,
        "actions": [[9, 1.1, 0.2]],
    },
}


class ReadMultiTHUMOSTest(FolderTestCase):
    def make_videos(self):
        for video_id in ENTRIES:
            self.touch("videos", f"{video_id}.mp4")
        return self.make_path("videos")

    def test_json(self):
        path = self.write(json.dumps(ENTRIES), "multithumos.json")
        records = read_multithumos(path, self.make_videos())
        self.assertLen(records, 2)
        self.assertLen(records.class_names, 65)
        # Classes start at 1 in the file, and at 0 in a record.
        self.assertEqual(records[0].segments, ((0, 2.5, 3.1), (64, 8.0, 10.0)))
        self.assertEqual(records[1].segments, ())
        self.assertEqual(
            records.repairs,
            {"segment_end_clipped": 1, "segment_dropped_inverted": 1},
        )
        (record,) = read_multithumos(path, self.make_videos(), split="test")
        self.assertEqual(record.id, "video_test_0000004")
        self.assertEqual(record.duration, 33.7)

    def test_without_videos(self):
        path = self.write(json.dumps(ENTRIES), "multithumos.json")
        (record,) = read_multithumos(path, split="testing")
        self.assertEqual(record.path, "video_test_0000004.mp4")
        self.assertEqual(record.duration, 33.7)

    def test_folder(self):
        self.write("video_test_0000004 1.0 2.0\n\n", "annotations", "Dive.txt")
        self.write(
            "video_validation_0000051 3 4\nvideo_test_0000004  5.5 5\nbad\n",
            "annotations",
            "Bow.txt",
        )
        folder, root = self.make_path("annotations"), self.make_videos()
        records = read_multithumos(folder, root)
        self.assertEqual(records.class_names, ["Bow", "Dive"])
        self.assertEqual(
            [(r.id, r.segments) for r in records],
            [
                ("video_test_0000004", ((1, 1.0, 2.0),)),
                ("video_validation_0000051", ((0, 3.0, 4.0),)),
            ],
        )
        self.assertEqual(
            records.repairs,
            {"segment_dropped_inverted": 1, "row_dropped_malformed": 1},
        )
        (record,) = read_multithumos(folder, root, split="training")
        self.assertEqual(record.id, "video_validation_0000051")

        listed = self.write("1 Dive\n2 Bow\n3 Run\n", "classes.txt")
        records = read_multithumos(folder, root, class_names=listed)
        self.assertEqual(records.class_names, ["Dive", "Bow", "Run"])
        self.assertEqual(records[1].segments, ((1, 3.0, 4.0),))
        with self.assertRaisesRegex(ValueError, r"'Dive' of .*Dive\.txt"):
            read_multithumos(folder, root, class_names=["Bow"])

    def test_errors(self):
        root = self.make_videos()
        with self.assertRaisesRegex(FileNotFoundError, "annotation file"):
            read_multithumos(self.make_path("none.json"), root)
        self.touch("folder", "readme.md")
        with self.assertRaisesRegex(ValueError, "one text file per class"):
            read_multithumos(self.make_path("folder"), root)
        path = self.write("{}", "empty.json")
        with self.assertRaisesRegex(ValueError, "hold no videos"):
            read_multithumos(path, root)
        for number in (0, 66, True, 1.0):
            entries = {"a": {"duration": 9, "actions": [[number, 0, 1]]}}
            path = self.write(json.dumps(entries), "bad.json")
            with self.assertRaisesRegex(
                ValueError, f"1 to 65. Received: {number}"
            ):
                read_multithumos(path, root)

    def test_times_that_are_none(self):
        actions = [[1, 10**400, 3], [2, None, 3], [3, True, 3], [4, "1", [2]]]
        entries = {"a": {"duration": 10**400, "actions": actions}}
        self.touch("videos", "a.mp4")
        records = read_multithumos(
            self.write(json.dumps(entries), "a.json"), self.make_path("videos")
        )
        self.assertEqual(records[0].segments, ())
        self.assertIsNone(records[0].duration)
        self.assertEqual(
            records.repairs,
            {"segment_dropped_no_time": 4, "unknown_duration": 1},
        )
