import math
import os

from absl.testing import parameterized
from data.folder_test_case import FolderTestCase

from ssdet_keras.data import VideoRecord
from ssdet_keras.data import VideoRecords
from ssdet_keras.data import read_videos

ALL = (0.0, math.inf)


class ReadVideosTest(FolderTestCase):
    def make_videos(self):
        self.touch("videos", "run", "b.avi")
        self.touch("videos", "run", "a.MP4")
        self.touch("videos", "run", "a.mkv")
        self.touch("videos", "jump, high", "c", "000001.jpg")
        return self.make_path("videos")

    def test_folders(self):
        root = self.make_videos()
        records = read_videos(root)
        self.assertIsInstance(records, VideoRecords)
        self.assertEqual(records.class_names, ["jump, high", "run"])
        self.assertEqual(
            list(records),
            [
                VideoRecord(
                    id=f"{label}/{name}",
                    path=os.path.join(root, label, name),
                    segments=((index, *ALL),),
                )
                for index, label, name in (
                    (0, "jump, high", "c"),
                    (1, "run", "a.MP4"),
                    (1, "run", "a.mkv"),
                    (1, "run", "b.avi"),
                )
            ],
        )
        self.assertEqual(records.repairs, {})
        self.assertEqual(list(read_videos(root, root)), list(records))

    def test_other_files_in_folders(self):
        root = self.make_videos()
        for names in (
            ("top.mp4",),
            ("run", "notes.txt"),
            ("run", "._b.avi"),
            (".hidden", "x.mp4"),
        ):
            self.touch("videos", *names)
        records = read_videos(root)
        self.assertLen(records, 4)
        self.assertEqual(records.class_names, ["jump, high", "run"])
        self.assertEqual(records.repairs, {"file_ignored": 2})
        self.assertEqual(records.examples, {"file_ignored": "top.mp4"})

    def test_class_names_of_folders(self):
        root = self.make_videos()
        names = ["walk", "run", "jump, high"]
        listed = self.write("\n".join(names), "classes.txt")
        for class_names in (names, listed):
            records = read_videos(root, class_names=class_names)
            self.assertEqual(records.class_names, names)
            self.assertEqual([r.segments[0][0] for r in records], [2, 1, 1, 1])
        with self.assertRaisesRegex(
            ValueError, "1 class names. .*'jump, high'"
        ):
            read_videos(root, class_names=["run"])

    def test_csv(self):
        root = self.make_videos()
        text = (
            "video,label,start,end\n"
            "run/b.avi,run,1.5,4.0\n"
            '"jump, high/c",jump,,\n'
            "run/b.avi,jump,3.0,9.25\n"
            "run/b,,,\n"
            "run/a.mkv,run,,2\n"
            "run/a.mkv,run,3,\n"
        )
        records = read_videos(self.write(text, "a.csv"), root)
        self.assertEqual(records.class_names, ["jump", "run"])
        self.assertEqual(
            list(records),
            [
                VideoRecord(id=name, path=f"{root}/{path}", segments=segments)
                for name, path, segments in (
                    (
                        "run/b.avi",
                        "run/b.avi",
                        ((1, 1.5, 4.0), (0, 3.0, 9.25)),
                    ),
                    ("jump, high/c", "jump, high/c", ((0, *ALL),)),
                    # Without a suffix, and without a label.
                    ("run/b", "run/b.avi", ()),
                    (
                        "run/a.mkv",
                        "run/a.mkv",
                        ((1, 0.0, 2.0), (1, 3.0, math.inf)),
                    ),
                )
            ],
        )
        self.assertEqual(records.repairs, {})

    def test_optional_columns(self):
        root = self.make_videos()
        text = (
            "duration,label,video,split,fps,note\n"
            "10,run,run/b.avi,training,25,x\n"
            "4.5,jump,run/a.mkv,validate,,\n"
            ",jump,run/a.mkv,val,23.976,\n"
        )
        path = self.write(text, "videos", "a.csv")
        # The folder of the file is that of the videos.
        records = read_videos(path)
        self.assertEqual([r.fps for r in records], [25.0, 23.976])
        self.assertEqual([r.duration for r in records], [10.0, 4.5])
        (record,) = records = read_videos(path, root, split="val")
        self.assertEqual(record.id, "run/a.mkv")
        self.assertEqual(record.segments, ((0, *ALL),))
        self.assertEqual(records.class_names, ["jump", "run"])
        self.assertEqual(records.repairs, {"row_dropped_duplicate": 1})

    def test_dirty_rows(self):
        text = (
            "video,label,start,end,duration,fps\n"
            "a,x,2,30,20,25\n"
            "a,x,9,4,20,30\n"
            "a,x,21,22,20,25\n"
            "a,x,21,,20,25\n"
            "a,x,-1,,20,25\n"
            "a,x,-4,-3,21,25\n"
            "a,x,now,3,20,25\n"
            "a,x,2,30,20,25\n"
            ",x,1,2,20,25\n"
            "a,x\n"
            "b,x,0,99,-1,fast\n"
        )
        self.touch("videos", "a.webm")
        records = read_videos(
            self.write(text, "a.csv"), self.make_path("videos")
        )
        self.assertEqual(
            [(r.id, r.fps, r.duration, r.segments) for r in records],
            [
                ("a", 25.0, 20.0, ((0, 2.0, 20.0), (0, *ALL))),
                ("b", None, None, ((0, 0.0, 99.0),)),
            ],
        )
        self.assertEqual(
            records.repairs,
            {
                "segment_end_clipped": 1,
                "segment_dropped_inverted": 1,
                "segment_dropped_after_video": 2,
                "segment_start_clipped": 1,
                "segment_dropped_before_video": 1,
                "segment_dropped_no_time": 1,
                "row_dropped_duplicate": 1,
                "row_dropped_malformed": 2,
                "conflicting_fps": 1,
                "conflicting_duration": 1,
                "unknown_fps": 1,
                "unknown_duration": 1,
                "missing_video": 1,
            },
        )

    @parameterized.parameters(
        ("", r"without \['video', 'label'\]"),
        ("a.mp4,run\n", r"without \['video', 'label'\]"),
        ("video,start\n", r"without \['label'\]"),
        ("video,label\n", "hold no videos. Received: path="),
        ("video,label\na,x\n", "at least one name", []),
        ("video,label\na,x\nb,y\n", "Received: 'y' in line 3 of", ["x"]),
    )
    def test_csv_errors(self, text, message, class_names=None):
        path = self.write(text, "a.csv")
        with self.assertRaisesRegex(ValueError, message):
            read_videos(path, self.make_videos(), class_names=class_names)

    def test_errors(self):
        root = self.make_videos()
        with self.assertRaisesRegex(FileNotFoundError, "annotation file"):
            read_videos(self.make_path("nowhere"))
        path = self.write("video,label,split\nx,y,train\n", "a.csv")
        with self.assertRaisesRegex(FileNotFoundError, "None of the 1"):
            read_videos(path, root)
        with self.assertRaisesRegex(FileNotFoundError, "folder of the videos"):
            read_videos(path, self.make_path("nowhere"))
        with self.assertRaisesRegex(ValueError, "no videos of split='test'"):
            read_videos(path, root, split="test")
        for arguments in ({"split": "train"}, {"video_root": self.folder}):
            with self.assertRaisesRegex(ValueError, "has neither splits nor"):
                read_videos(root, **arguments)
        os.makedirs(self.make_path("empty", "x"))
        with self.assertRaisesRegex(ValueError, "hold no videos"):
            read_videos(self.make_path("empty"))
        with self.assertRaisesRegex(ValueError, "which holds no folder"):
            read_videos(self.make_path("empty", "x"))
