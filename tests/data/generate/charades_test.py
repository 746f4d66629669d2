import csv
import os
import tempfile

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from ssdet_keras.data import read_charades
from ssdet_keras.data.generate import MOTIONS
from ssdet_keras.data.generate import generate_charades
from ssdet_keras.data.generate.charades import draw_schedule
from ssdet_keras.data.generate.charades import plan_video

SMALL = {
    "min_duration": 4,
    "max_duration": 6,
    "size": 32,
    "verbose": False,
}


def parse_actions(text):
    if not text:
        return []
    parts = [action.split(" ") for action in text.split(";")]
    return [(int(c[1:]), float(start), float(end)) for c, start, end in parts]


class CharadesTest(parameterized.TestCase):
    def make_folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def test_format(self):
        import cv2

        folder = generate_charades(self.make_folder(), 4, 3, fps=30, **SMALL)
        self.assertEqual(os.path.basename(folder), "charades")
        with open(os.path.join(folder, "Charades_v1_classes.txt")) as file:
            lines = file.read().split("\n")
        self.assertEqual(lines[0], "c000 Shaking sideways")
        self.assertLen(lines, len(MOTIONS) + 1)
        ids = []
        for split, count in (("train", 4), ("test", 3)):
            with open(os.path.join(folder, f"Charades_v1_{split}.csv")) as file:
                self.assertEqual(
                    file.readline(),
                    "id,subject,scene,quality,relevance,verified,script,"
                    "objects,descriptions,actions,length\n",
                )
                rows = list(csv.reader(file))
            self.assertLen(rows, count)
            for row in rows:
                self.assertLen(row, 11)
                self.assertRegex(row[0], "^[A-Z0-9]{5}$")
                self.assertRegex(row[9], r"^(c0\d\d \d+\.\d\d \d+\.\d\d;?)*$")
                self.assertNotEndsWith(row[9], ";")
                ids.append(row[0])
                path = os.path.join(folder, "Charades_v1_480", f"{row[0]}.mp4")
                capture = cv2.VideoCapture(path)
                frames = 0
                while capture.grab():
                    frames += 1
                self.assertEqual(capture.get(cv2.CAP_PROP_FPS), 30)
                self.assertEqual(row[10], f"{frames / 30:.2f}")
                self.assertBetween(frames, 120, 180)
                for label, start, end in parse_actions(row[9]):
                    self.assertLess(label, len(MOTIONS))
                    self.assertBetween(start, 0, end)
                    self.assertLessEqual(end, float(row[10]))
        self.assertLen(set(ids), 7)
        self.assertCountEqual(
            os.listdir(os.path.join(folder, "Charades_v1_480")),
            [f"{video_id}.mp4" for video_id in ids],
        )

    def test_reader_reads_it(self):
        folder = generate_charades(self.make_folder(), 3, 0, **SMALL)
        records = read_charades(
            os.path.join(folder, "Charades_v1_train.csv"),
            os.path.join(folder, "Charades_v1_480"),
            class_names=os.path.join(folder, "Charades_v1_classes.txt"),
        )
        self.assertLen(records, 3)
        self.assertEqual(sum(records.repairs.values()), 0)
        for index, record in enumerate(records):
            row, _ = plan_video("train", index, (4, 6), 32, 25, MOTIONS, 0)
            self.assertTrue(os.path.exists(record.path))
            self.assertEqual(record.duration, float(row[10]))
            self.assertSequenceEqual(record.segments, parse_actions(row[9]))

    @parameterized.parameters(24, 25, 30)
    def test_annotations_are_the_frames_that_move(self, fps):
        for index in range(10):
            row, scene = plan_video(
                "test", index, (20, 40), 32, fps, MOTIONS, 0
            )
            times = np.arange(scene.num_frames) / fps
            labels = np.zeros((scene.num_frames, len(MOTIONS)), bool)
            for label, start, end in parse_actions(row[9]):
                labels[:, label] |= (times >= start) & (times <= end)
            expected = np.zeros_like(labels)
            moves = np.zeros(scene.num_frames - 1, bool)
            actors = scene.create_actors(np.random.default_rng(0))
            for role, actor in zip(scene.roles, actors, strict=True):
                for motion, start, end in role.get("actions", ()):
                    expected[start:end, MOTIONS.index(motion)] = True
                for path in actor.states.values():
                    moves |= np.diff(path) != 0
            np.testing.assert_array_equal(labels, expected)
            # Whenever something moves between two frames, both are labelled;
            # whatever is labelled moves, but for the pauses between steps.
            moving = labels.any(1)
            self.assertTrue(np.all(moving[:-1][moves] & moving[1:][moves]))
            self.assertGreater(moves.sum(), 0.6 * moving.sum() - 10)

    def test_empty_overlapping_and_repeated(self):
        empty, overlap, repeats, drifts = [], [], [], []
        for index in range(60):
            _, scene = plan_video("train", index, (20, 40), 32, 25, MOTIONS, 3)
            counts = np.zeros(scene.num_frames)
            for role in scene.roles:
                names = [a[0] for a in role.get("actions", ())]
                repeats.append(len(set(names)) < len(names))
                for _, start, end in role.get("actions", ()):
                    counts[start:end] += 1
            empty.append(np.mean(counts == 0))
            overlap.append(np.mean(counts > 1))
            drifts.append(scene.roles[0].get("drifts", False))
            self.assertBetween(scene.duration, 20, 40)
            self.assertBetween(len(scene.roles) - drifts[-1], 2, 3)
        self.assertBetween(np.mean(empty), 0.2, 0.4)
        self.assertBetween(np.mean(overlap), 0.2, 0.6)
        self.assertBetween(np.mean(repeats), 0.2, 0.8)
        self.assertBetween(np.mean(drifts), 0.3, 0.7)

    def test_schedule(self):
        rng = np.random.default_rng(0)
        for _ in range(100):
            actions = draw_schedule(rng, 750, 25, MOTIONS)
            stops = [0]
            for motion, start, end in actions:
                self.assertIn(motion, MOTIONS)
                # A rest is at least four seconds, if it began in the video.
                self.assertGreaterEqual(start, stops[-1] + 100 * (stops != [0]))
                self.assertBetween(end - start, 25, 200)
                stops.append(end)
            self.assertLessEqual(stops[-1], 750)

    def test_ids_are_unique(self):
        ids = {
            plan_video(split, index, (4, 4), 16, 25, MOTIONS, 0)[0][0]
            for split in ("train", "test")
            for index in range(500)
        }
        self.assertLen(ids, 1000)

    def test_same_seed(self):
        first = plan_video("test", 5, (4, 6), 32, 25, MOTIONS, 1)
        again = plan_video("test", 5, (4, 6), 32, 25, MOTIONS, 1)
        other = plan_video("test", 5, (4, 6), 32, 25, MOTIONS, 2)
        self.assertEqual(first[0], again[0])
        self.assertNotEqual(first[0][0], other[0][0])
        for a, b in zip(first[1].render(), again[1].render(), strict=True):
            np.testing.assert_array_equal(a, b)

    def test_some_motions_only(self):
        motions = ("pulsing", "hopping")
        row, scene = plan_video("train", 0, (30, 40), 32, 25, motions, 0)
        labels = {label for label, _, _ in parse_actions(row[9])}
        self.assertEqual(labels, {0, 1})
        names = {a[0] for r in scene.roles for a in r.get("actions", ())}
        self.assertEqual(names, set(motions))

    @parameterized.parameters(
        ({"num_train": 0}, "num_train=0"),
        ({"num_test": -1}, "num_test=-1"),
        ({"min_duration": 0.5}, "min_duration=0.5"),
        ({"min_duration": 9, "max_duration": 8}, "max_duration=8"),
        ({"max_duration": "9"}, "max_duration='9'"),
        ({"motions": ["jumping"]}, "motions="),
    )
    def test_invalid_arguments(self, kwargs, message):
        folder = self.make_folder()
        with self.assertRaisesRegex(ValueError, f"Received: {message}"):
            generate_charades(folder, **kwargs)
        self.assertEmpty(os.listdir(folder))


if __name__ == "__main__":
    absltest.main()
