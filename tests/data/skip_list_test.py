import os

from data.folder_test_case import FolderTestCase

from ssdet_keras.data import VideoRecord
from ssdet_keras.data import VideoRecords
from ssdet_keras.data import read_skip_list
from ssdet_keras.data import skip_videos
from ssdet_keras.data import write_skip_list


class SkipListTest(FolderTestCase):
    def test_round_trip(self):
        reasons = {
            "/videos/a b.mp4": "corrupt: it is\nempty",
            "videos/ä # 1.mp4": "missing: # 7",
            "videos/#2.mp4": "short",
        }
        path = self.make_path("skip.txt")
        write_skip_list(path, reasons)
        self.assertEqual(read_skip_list(path), list(reasons))
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual(lines[1], "/videos/a b.mp4 # corrupt: it is empty")
        self.assertEqual(os.listdir(self.folder), ["skip.txt"])

    def test_comments_and_blank_lines(self):
        path = self.write("# a\n\n  b.mp4  \n\t# c\nd.mp4 # e\r\n", "skip.txt")
        self.assertEqual(read_skip_list(path), ["b.mp4", "d.mp4"])

    def test_unreadable_list(self):
        with self.assertRaisesRegex(FileNotFoundError, "none.txt"):
            read_skip_list("none.txt")
        path = self.make_path("skip.txt")
        with open(path, "wb") as file:
            file.write(b"\xff\xfe")
        with self.assertRaisesRegex(ValueError, "UTF-8"):
            read_skip_list(path)

    def test_skip_videos(self):
        root = os.path.relpath(self.folder)
        records = VideoRecords(
            [
                VideoRecord(id=name, path=os.path.join(root, f"{name}.mp4"))
                for name in "abcd"
            ],
            ["walking"],
            {"missing_video": 2},
        )
        paths = [
            os.path.join(self.folder, "a.mp4"),
            os.path.join(root, ".", "b.mp4"),
            "c.mp4",
            "c.mp4",
            "e.mp4",
        ]
        kept, num_unmatched = skip_videos(records, paths, root)
        self.assertEqual([record.id for record in kept], ["d"])
        self.assertEqual(num_unmatched, 1)
        self.assertEqual(kept.class_names, ["walking"])
        self.assertEqual(kept.repairs, {"missing_video": 2})
        self.assertLen(records, 4)
