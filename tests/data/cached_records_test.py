import os
import time
from unittest import mock

import numpy as np
from absl import logging
from absl.testing import parameterized
from data.folder_test_case import FolderTestCase
from data.mutate import mutate

from ssdet_keras import data

CSV = (
    "label,youtube_id,time_start,time_end,split\n"
    "abseiling,aaaaaaaaaaa,3,13,train\n"
    "yoga,bbbbbbbbbbb,20,30,train\n"
    "yoga,ccccccccccc,5,1,val\n"
)
MULTITHUMOS = '{"a": {"subset": "testing", "duration": 9, "actions": []}}'


class CachedRecordsTest(FolderTestCase):
    def setUp(self):
        super().setUp()
        self.root = os.path.join(self.folder, "videos")
        self.touch("videos", "train", "abseiling", "aaaaaaaaaaa.mp4")
        self.touch("videos", "train", "yoga", "bbbbbbbbbbb", "1.jpg")
        self.csv = self.write(CSV, "train.csv")
        self.classes = self.write("abseiling\nyoga\n", "classes.txt")
        self.cache = self.make_path("cache", "kinetics.npz")
        self.age()

    def age(self):
        """Makes everything look as if it had not changed for a while."""
        past = time.time() - 100
        for folder, _, names in os.walk(self.folder):
            for name in [".", *names]:
                os.utime(os.path.join(folder, name), (past, past))

    def read(self, cache=True, **arguments):
        return data.read_kinetics(
            self.csv,
            self.root,
            **{"class_names": self.classes, **arguments},
            cache=self.cache if cache else None,
        )

    def check(self, is_kept, **arguments):
        """Reads, and checks that the file was or was not written again."""
        before = self.get_file()
        records = self.read(**arguments)
        self.assertEqual(self.get_file() == before, is_kept)
        expected = self.read(cache=False, **arguments)
        self.assertEqual(list(records), list(expected))
        self.assertEqual(records.class_names, expected.class_names)
        self.assertEqual(records.report(), expected.report())

    def get_file(self):
        if os.path.exists(self.cache):
            # Each time it is another file, that takes the place of the former.
            status = os.stat(self.cache)
            return status.st_ino, status.st_mtime_ns
        return None

    def test_reads_once(self):
        self.check(is_kept=False)
        self.check(is_kept=True)
        with mock.patch("os.scandir", side_effect=OSError):
            self.read()
        self.assertEqual(
            os.listdir(os.path.dirname(self.cache)), ["kinetics.npz"]
        )

    @parameterized.parameters(
        {"split": "train"},
        {"class_names": None},
        {"class_names": ["yoga", "abseiling"]},
    )
    def test_other_arguments(self, **arguments):
        self.read()
        self.check(is_kept=False, **arguments)
        self.check(is_kept=True, **arguments)
        self.check(is_kept=False)

    def test_other_reader(self):
        path = self.write(MULTITHUMOS, "actions.json")
        self.touch("videos", "a.mp4")
        self.age()
        first = data.read_charades(path, self.root, cache=self.cache)
        other = data.read_multithumos(path, self.root, cache=self.cache)
        self.assertLen(first.class_names, 157)
        self.assertLen(other.class_names, 65)

    @parameterized.named_parameters(
        ("annotations", ("train.csv",), CSV.replace("20", "21")),
        ("class_list", ("classes.txt",), "yoga\nabseiling\n"),
        ("video", ("videos", "train", "yoga", "bbbbbbbbbbb.mp4"), ""),
        ("new_folder", ("videos", "val", "ccccccccccc.mp4"), ""),
        ("folder_of_class", ("videos", "yoga", "ccccccccccc.mp4"), ""),
        ("top", ("videos", "ccccccccccc.mp4"), ""),
    )
    def test_changed(self, names, text):
        self.read()
        self.write(text, *names)
        self.age()
        self.check(is_kept=False)
        self.check(is_kept=True)

    def test_removed(self):
        self.read()
        os.remove(
            self.make_path("videos", "train", "abseiling", "aaaaaaaaaaa.mp4")
        )
        self.age()
        self.check(is_kept=False)
        os.remove(self.csv)
        with self.assertRaisesRegex(FileNotFoundError, "annotation file"):
            self.read()

    def test_folders_of_annotations(self):
        for name, text in (("Dive", "a 1 2\n"), ("Bow", "a 3 4\n")):
            self.write(text, "annotations", f"{name}.txt")
        self.touch("videos", "a.mp4")
        folder = self.make_path("annotations")
        for segments in (
            ((0, 3.0, 4.0), (1, 1.0, 2.0)),
            ((0, 3.0, 5.0), (1, 1.0, 2.0)),
        ):
            self.age()
            for _ in range(2):
                (record,) = data.read_multithumos(
                    folder, self.root, cache=self.cache
                )
                self.assertEqual(record.segments, segments)
            self.write("a 3 5\n", "annotations", "Bow.txt")

    def test_videos_in_folders(self):
        for count in (2, 3):
            for _ in range(2):
                records = data.read_videos(
                    os.path.join(self.root, "train"), cache=self.cache
                )
                self.assertLen(records, count)
            self.touch("videos", "train", "yoga", "new.mp4")
            self.age()

    def test_too_new(self):
        # What has just changed may change again at the same time.
        os.utime(self.csv)
        self.read()
        self.assertFalse(os.path.exists(self.cache))

    def test_damaged(self):
        expected = list(self.read())
        with open(self.cache, "rb") as file:
            content = file.read()
        rng = np.random.default_rng(0)
        with mock.patch.object(logging, "warning") as warning:
            for _ in range(100):
                with open(self.cache, "wb") as file:
                    file.write(mutate(content, rng))
                self.assertEqual(list(self.read()), expected)
        self.assertGreater(warning.call_count, 20)
        self.check(is_kept=True)

    def test_cannot_be_written(self):
        self.cache = os.path.join(self.touch("a_file"), "kinetics.npz")
        with mock.patch.object(logging, "warning") as warning:
            self.assertLen(self.read(), 3)
        self.assertIn("could not be kept", warning.call_args_list[-1][0][0])

    def test_name(self):
        self.cache = self.csv
        with self.assertRaisesRegex(
            ValueError, r"an .npz file. Received: cache=.*train\.csv"
        ):
            self.read()
        self.assertTrue(os.path.exists(self.csv))

    def test_place(self):
        # Each writing would change the folder, and so outdate the file.
        self.cache = os.path.join(self.root, "train", "kinetics.npz")
        with self.assertRaisesRegex(
            ValueError, "outside of the folders .* Received: cache=.*train"
        ):
            self.read()
        self.assertFalse(os.path.exists(self.cache))
