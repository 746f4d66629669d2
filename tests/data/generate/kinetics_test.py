import collections
import csv
import json
import os
import tempfile

import numpy as np
import pytest
from absl.testing import absltest
from absl.testing import parameterized

from ssdet_keras.data import read_kinetics
from ssdet_keras.data.generate import MOTIONS
from ssdet_keras.data.generate import generate_kinetics
from ssdet_keras.data.generate.kinetics import plan_clip

SMALL = {"duration": 1.5, "size": 32, "verbose": False}


def read_video(path):
    import cv2

    capture = cv2.VideoCapture(path)
    fps, frames = capture.get(cv2.CAP_PROP_FPS), []
    while True:
        found, frame = capture.read()
        if not found:
            return fps, np.stack(frames)
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def read_files(folder):
    contents = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                contents[os.path.relpath(path, folder)] = file.read()
    return contents


class KineticsTest(parameterized.TestCase):
    def make_folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def test_format(self):
        folder = generate_kinetics(self.make_folder(), 17, 3, fps=30, **SMALL)
        self.assertEqual(os.path.basename(folder), "kinetics")
        files = read_files(folder)
        self.assertEqual(
            files["classes.txt"].decode(), "\n".join(MOTIONS) + "\n"
        )
        expected = {"classes.txt", "settings.json", "train.csv", "val.csv"}
        ids = set()
        for split, count in (("train", 17), ("val", 3)):
            lines = files[f"{split}.csv"].decode().split("\n")
            self.assertEqual(
                lines[0], "label,youtube_id,time_start,time_end,split"
            )
            self.assertEqual(lines[-1], "")
            rows = list(csv.reader(lines[1:-1]))
            self.assertLen(rows, count)
            for label, video_id, start, end, row_split in rows:
                self.assertIn(label, MOTIONS)
                self.assertRegex(video_id, r"^[A-Za-z0-9_-]{11}$")
                self.assertEqual(int(end), int(start) + 2)
                self.assertEqual(row_split, split)
                ids.add(video_id)
                name = f"{video_id}_{int(start):06d}_{int(end):06d}.mp4"
                expected.add(os.path.join("videos", split, name))
        self.assertLen(ids, 20)
        self.assertEqual(set(files), expected)

        path = os.path.join(folder, sorted(expected)[-1])
        fps, frames = read_video(path)
        self.assertEqual(fps, 30)
        self.assertEqual(frames.shape, (45, 32, 32, 3))

    def test_files_show_what_was_planned(self):
        folder = generate_kinetics(self.make_folder(), 1, 0, seed=7, **SMALL)
        row, scene = plan_clip("train", 0, 1.5, 32, 25, MOTIONS, 7)
        name = f"{row[1]}_{row[2]:06d}_{row[3]:06d}.mp4"
        _, frames = read_video(os.path.join(folder, "videos", "train", name))
        expected = np.stack(list(scene.render()))
        self.assertEqual(frames.shape, expected.shape)
        error = np.abs(frames.astype("float32") - expected)
        self.assertLess(error.mean(), 8)
        swapped = np.abs(frames[..., ::-1].astype("float32") - expected)
        self.assertGreater(swapped.mean(), 2 * error.mean())

    def test_reader_reads_it(self):
        folder = generate_kinetics(self.make_folder(), 4, 0, **SMALL)
        records = read_kinetics(
            os.path.join(folder, "train.csv"),
            os.path.join(folder, "videos"),
            class_names=os.path.join(folder, "classes.txt"),
        )
        self.assertEqual(list(records.class_names), list(MOTIONS))
        self.assertEqual(sum(records.repairs.values()), 0)
        for index, record in enumerate(records):
            row, _ = plan_clip("train", index, 1.5, 32, 25, MOTIONS, 0)
            self.assertTrue(os.path.exists(record.path))
            self.assertEqual(record.id, row[1])
            self.assertEqual(MOTIONS[record.segments[0][0]], row[0])

    def test_classes_are_balanced(self):
        plans = [
            plan_clip("train", i, 10, 32, 25, MOTIONS, 0) for i in range(64)
        ]
        counts = collections.Counter(row[0] for row, _ in plans)
        self.assertEqual(counts, dict.fromkeys(MOTIONS, 4))
        self.assertNotEqual([p[0][0] for p in plans[:16]], list(MOTIONS))
        idle = np.mean([len(scene.roles) == 2 for _, scene in plans])
        self.assertBetween(idle, 0.1, 0.5)
        for row, scene in plans:
            self.assertEqual(scene.roles[-1]["actions"], [(row[0], 0, 250)])

    def test_seeds_and_splits_differ(self):
        videos = {}
        for seed in (0, 1):
            for split in ("train", "val"):
                row, scene = plan_clip(split, 2, 10, 32, 25, MOTIONS, seed)
                videos[row[1]] = next(scene.render()).tobytes()
        self.assertLen(videos, 4)
        self.assertLen(set(videos.values()), 4)

    @pytest.mark.slow  # Each process imports Keras.
    def test_number_of_processes_does_not_matter(self):
        folders = []
        for num_processes in (1, 2):
            folder = self.make_folder()
            folders.append(
                generate_kinetics(
                    folder, 3, 1, num_processes=num_processes, **SMALL
                )
            )
        alone, together = map(read_files, folders)
        self.assertEqual(sorted(alone), sorted(together))
        for name, content in alone.items():
            self.assertEqual(content, together[name], name)

    def test_more_videos_begin_with_the_same(self):
        few = generate_kinetics(self.make_folder(), 2, 1, **SMALL)
        more = generate_kinetics(self.make_folder(), 3, 2, **SMALL)
        few, more = read_files(few), read_files(more)
        for name in few:
            if name.endswith(".mp4"):
                self.assertEqual(few[name], more[name])
        self.assertTrue(more["train.csv"].startswith(few["train.csv"]))

    def test_complete_data_is_used_again(self):
        root = self.make_folder()
        folder = generate_kinetics(root, 3, 0, **SMALL)
        before = read_files(folder)
        videos = sorted(name for name in before if name.endswith(".mp4"))
        marked, lost = (os.path.join(folder, name) for name in videos[:2])
        with open(marked, "wb") as file:
            file.write(b"kept")
        os.remove(lost)
        generate_kinetics(root, 3, 0, **SMALL)
        after = read_files(folder)
        self.assertEqual(after.pop(videos[0]), b"kept")
        del before[videos[0]]
        self.assertEqual(after, before)

    def test_other_settings_in_the_same_folder(self):
        root = self.make_folder()
        folder = generate_kinetics(root, 1, 0, **SMALL)
        with self.assertRaisesRegex(ValueError, "seed=0 instead of 5"):
            generate_kinetics(root, 1, 0, seed=5, **SMALL)
        with open(os.path.join(folder, "settings.json"), "w") as file:
            json.dump([], file)
        with self.assertRaisesRegex(ValueError, "num_train=None instead of 1"):
            generate_kinetics(root, 1, 0, **SMALL)
        with open(os.path.join(folder, "settings.json"), "w") as file:
            file.write("{")
        with self.assertRaisesRegex(ValueError, "settings.json is damaged"):
            generate_kinetics(root, 1, 0, **SMALL)

    def test_folder_of_something_else(self):
        root = self.make_folder()
        os.mkdir(os.path.join(root, "kinetics"))
        with open(os.path.join(root, "kinetics", "train.csv"), "w"):
            pass
        with self.assertRaisesRegex(ValueError, "has other files"):
            generate_kinetics(root, 1, 0, **SMALL)

    def test_folder_that_cannot_be_made(self):
        path = os.path.join(self.make_folder(), "file")
        with open(path, "w"):
            pass
        with self.assertRaises(OSError):
            generate_kinetics(path, 1, 0, **SMALL)

    @parameterized.parameters(
        ({"num_train": 0}, "num_train=0"),
        ({"num_val": -1}, "num_val=-1"),
        ({"duration": 0.5}, "duration=0.5"),
        ({"size": 33}, "size=33"),
        ({"size": 8}, "size=8"),
        ({"size": 64.0}, "size=64.0"),
        ({"fps": 0}, "fps=0"),
        ({"seed": -1}, "seed=-1"),
        ({"num_processes": 0}, "num_processes=0"),
        ({"motions": ["hopping"]}, "motions="),
    )
    def test_invalid_arguments(self, kwargs, message):
        folder = self.make_folder()
        with self.assertRaisesRegex(ValueError, f"Received: {message}"):
            generate_kinetics(folder, **kwargs)
        self.assertEmpty(os.listdir(folder))


if __name__ == "__main__":
    absltest.main()
