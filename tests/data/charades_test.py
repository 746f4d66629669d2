import json
import os

import numpy as np
from data.folder_test_case import FolderTestCase

from ssdet_keras.data import read_charades

HEADER = (
    "id,subject,scene,quality,relevance,verified,script,objects,"
    "descriptions,actions,length\n"
)


def make_row(video_id, actions, length):
    script = '"A person, ""quoted"", walks."'
    return f"{video_id},S,Bed,6,7,Yes,{script},box,,{actions},{length}\n"


class ReadCharadesTest(FolderTestCase):
    def make_videos(self, *ids):
        for video_id in ids:
            self.touch("videos", f"{video_id}.mp4")
        return self.make_path("videos")

    def test_csv(self):
        text = (
            HEADER
            + make_row("46GP8", "c092 11.90 21.20;c147 0.00 12.60", "24.83")
            + make_row("N11GT", "", "18.0")
        )
        root = self.make_videos("46GP8")
        self.touch("videos", "N11GT", "N11GT-000001.jpg")
        records = read_charades(self.write(text, "v1_train.csv"), root)
        self.assertEqual([r.id for r in records], ["46GP8", "N11GT"])
        self.assertEqual(
            records[0].segments, ((92, 11.9, 21.2), (147, 0.0, 12.6))
        )
        self.assertEqual(records[1].segments, ())
        self.assertEqual([r.duration for r in records], [24.83, 18.0])
        self.assertEqual(records[0].path, os.path.join(root, "46GP8.mp4"))
        self.assertEqual(records[1].path, os.path.join(root, "N11GT"))
        self.assertEqual(records.class_names[:2], ["c000", "c001"])
        self.assertLen(records.class_names, 157)
        self.assertEqual(records.repairs, {})

    def test_json(self):
        text = json.dumps(
            {
                "7UPGT": {
                    "subset": "training",
                    "duration": 23.21,
                    "actions": [[149, 16.0, 22.2], [3, 20, 30]],
                },
                "OTHER": {"subset": "testing", "duration": 9, "actions": []},
            }
        )
        path = self.write(text, "charades.json")
        root = self.make_videos("7UPGT", "OTHER")
        self.assertLen(read_charades(path, root), 2)
        for split in ("training", "train"):
            (record,) = records = read_charades(path, root, split=split)
            self.assertEqual(
                record.segments, ((149, 16.0, 22.2), (3, 20.0, 23.21))
            )
            self.assertEqual(records.repairs, {"segment_end_clipped": 1})

    def test_dirty_annotations(self):
        actions = ";".join(
            [
                "c001 2.00 30.00",  # Ends after the video.
                "c002 9.00 4.00",  # Inverted.
                "c003 20.50 22.00",  # Starts after the end.
                "c004 -1.00 3.00",  # Starts before the video.
                "c005 -4.00 -3.00",  # Ends before the video.
                "c006 now 3.00",
                "c007 1.00",
                "c008 nan 3.00",
                "c009 5.00 5.00",
                "c010 20.00 20.00",
            ]
        )
        text = (
            HEADER
            + make_row("AAAAA", actions, "20.00")
            + make_row("BBBBB", "c001 0.00 99.00", "")
            + make_row("AAAAA", "c000 0.00 1.00", "20.00")
        )
        root = self.make_videos("AAAAA", "BBBBB")
        records = read_charades(self.write(text, "a.csv"), root)
        self.assertLen(records, 2)
        self.assertEqual(
            records[0].segments,
            ((1, 2.0, 20.0), (4, 0.0, 3.0), (9, 5.0, 5.0), (10, 20.0, 20.0)),
        )
        self.assertEqual(records[1].segments, ((1, 0.0, 99.0),))
        self.assertIsNone(records[1].duration)
        self.assertEqual(
            records.repairs,
            {
                "segment_end_clipped": 1,
                "segment_dropped_inverted": 1,
                "segment_dropped_after_video": 1,
                "segment_start_clipped": 1,
                "segment_dropped_before_video": 1,
                "segment_dropped_no_time": 3,
                "unknown_duration": 1,
                "row_dropped_duplicate": 1,
            },
        )
        report = records.report()
        for name in records.repairs:
            self.assertIn(name, report)

    def test_random_annotations(self):
        # Whatever the annotations are, segments lie in their video, and every
        # segment that was there is kept or counted.
        rng = np.random.default_rng(0)
        rows, num_actions, ids = [], 0, [f"V{i:04d}" for i in range(60)]
        for video_id in ids:
            times = rng.normal(10, 15, size=(rng.integers(0, 8), 2))
            num_actions += len(times)
            actions = [
                f"c{rng.integers(157):03d} {a:.2f} {b:.2f}" for a, b in times
            ]
            rows.append(make_row(video_id, ";".join(actions), "20.00"))
        path = self.write(HEADER + "".join(rows), "a.csv")
        records = read_charades(path, self.make_videos(*ids))
        segments = [s for record in records for s in record.segments]
        for _, start, end in segments:
            self.assertBetween(start, 0.0, end)
            self.assertLessEqual(end, 20.0)
        num_dropped = sum(
            n for name, n in records.repairs.items() if "dropped" in name
        )
        self.assertEqual(len(segments) + num_dropped, num_actions)
        self.assertGreater(num_dropped, 0)

    def test_class_names(self):
        text = HEADER + make_row("AAAAA", "c001 0.00 1.00", "20.00")
        path = self.write(text, "a.csv")
        root = self.make_videos("AAAAA")
        listed = self.write("c000 Holding\nc001 Running away\n", "classes.txt")
        records = read_charades(path, root, class_names=listed)
        self.assertEqual(records.class_names, ["Holding", "Running away"])
        for class_names, name in ((["one"], "c001"),):
            with self.assertRaisesRegex(
                ValueError, rf"'{name}' in line 2 of .*a\.csv"
            ):
                read_charades(path, root, class_names=class_names)
        for action in ("c157 0 1", "x001 0 1", "c 0 1", "c-1 0 1"):
            bad = self.write(HEADER + make_row("A", action, "9"), "b.csv")
            with (
                self.subTest(action),
                self.assertRaisesRegex(
                    ValueError, f"'{action.split()[0]}' in line 2"
                ),
            ):
                read_charades(bad, root)

    def test_without_videos(self):
        row = make_row("46GP8", "c092 11.90 21.20", "24.83")
        path = self.write(HEADER + row, "v1_test.csv")
        records = read_charades(path, cache=self.make_path("records.npz"))
        self.assertEqual(records[0].path, "46GP8.mp4")
        self.assertEqual(records[0].segments, ((92, 11.9, 21.2),))
        self.assertEqual(records.repairs, {})

    def test_split_of_csv(self):
        text = HEADER + make_row("AAAAA", "", "20.00")
        root = self.make_videos("AAAAA")
        path = self.write(text, "Charades_v1_train.csv")
        self.assertLen(read_charades(path, root, split="training"), 1)
        with self.assertRaisesRegex(ValueError, "split='test' of .*train.csv"):
            read_charades(path, root, split="test")

    def test_errors(self):
        root = self.make_videos("A")
        with self.assertRaisesRegex(FileNotFoundError, "annotation file"):
            read_charades(self.make_path("none.csv"), root)
        path = self.write(HEADER + make_row("B", "", "20.00"), "a.csv")
        with self.assertRaisesRegex(FileNotFoundError, "None of the 1"):
            read_charades(path, root)
        with self.assertRaisesRegex(FileNotFoundError, "folder of the videos"):
            read_charades(path, self.make_path("nowhere"))
        for text, message in (
            (HEADER, "hold no videos"),
            ("id,length\nA,1\n", "without .'actions'"),
            ('{"A": {"actions": [[0, 1]]}}', "class, start, end"),
            ('{"A": {"actions": 3}}', "class, start, end"),
            ('{"A": {"actions": [[157, 0, 1]]}}', "0 to 156. Received: 157"),
            ('{"A": {"actions": [["c1", 0, 1]]}}', "Received: 'c1'"),
        ):
            with (
                self.subTest(text),
                self.assertRaisesRegex(ValueError, message),
            ):
                read_charades(self.write(text, "bad"), root)
