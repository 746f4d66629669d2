import csv
import json
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

    def plan_with_distractors(self, index, motions, distractors):
        return plan_video(
            "train", index, (4, 6), 32, 25, motions, 7, distractors
        )

    def test_distractors_are_not_annotated(self):
        motions, distractors = MOTIONS[:6], ("rocking", "growing")
        performed, num_equal, num_other = set(), 0, 0
        for index in range(30):
            row, scene = self.plan_with_distractors(index, motions, ())
            other_row, other = self.plan_with_distractors(
                index, motions, distractors
            )
            self.assertEqual(other_row, row)
            self.assertEqual(other.num_frames, scene.num_frames)
            has_distractor = scene.roles[0].get("drifts", False)
            actors = other.roles[has_distractor:]
            np.testing.assert_equal(actors, scene.roles[has_distractor:])
            actions = []
            if has_distractor:
                self.assertNotIn("actions", scene.roles[0])
                role = dict(other.roles[0])
                actions = role.pop("actions")
                np.testing.assert_equal(role, scene.roles[0])
            for motion, start, end in actions:
                performed.add(motion)
                self.assertBetween(end - start, 25, scene.num_frames - start)
            # The same pictures, unless a distractor moves.
            num_frames = scene.num_frames
            pictures = [
                np.stack(list(s.render([num_frames // 2, num_frames - 1])))
                for s in (scene, other)
            ]
            if not actions:
                np.testing.assert_array_equal(*pictures)
                num_equal += 1
            else:
                num_other += not np.array_equal(*pictures)
        self.assertEqual(performed, set(distractors))
        self.assertGreater(num_equal, 10)
        self.assertGreater(num_other, 4)

    def test_distractors_move(self):
        motions, distractors = MOTIONS[:6], ("rocking",)
        states = []
        for index in range(30):
            _, scene = self.plan_with_distractors(index, motions, distractors)
            role = scene.roles[0]
            if role.get("drifts") and role["actions"]:
                actor = scene.create_actors(np.random.default_rng(0))[0]
                states.append(np.ptp(actor.states["rock"]))
                self.assertEqual(np.ptp(actor.states["angle"]), 0)
        self.assertGreater(len(states), 4)
        self.assertGreater(min(states), 0.1)

    def test_videos_without_moving_distractors_are_those_of_before(self):
        # Of the first version, which had none.
        for index, video_id, actions, place, sums in (
            (
                0,
                "BX1ZF",
                "c007 0.00 4.36;c007 0.00 4.80;c014 0.00 4.80",
                [0.2132, 0.2264],
                [396876, 399917],
            ),
            (
                2,
                "JCYCP",
                "c011 0.00 2.32;c002 0.00 3.44;c002 3.32 5.08",
                [0.7487, 0.3867],
                [405558, 404822],
            ),
        ):
            row, scene = plan_video("test", index, (4, 6), 32, 25, MOTIONS, 1)
            self.assertEqual(row[0], video_id)
            self.assertEqual(row[9], actions)
            np.testing.assert_allclose(
                scene.roles[0]["place"], place, atol=1e-4
            )
            # Another OpenCV may round another way.
            pictures = scene.render([0, 50])
            np.testing.assert_allclose(
                [int(picture.sum()) for picture in pictures], sums, rtol=2e-3
            )

    def test_distractor_motions_of_a_folder(self):
        folder = self.make_folder()
        kwargs = {**SMALL, "motions": ["rising", "hopping"]}
        names = ["falling", "rocking"]
        charades = generate_charades(
            folder, 1, 0, distractor_motions=names, **kwargs
        )
        with open(os.path.join(charades, "settings.json")) as file:
            self.assertEqual(json.load(file)["distractor_motions"], names)
        with open(os.path.join(charades, "Charades_v1_classes.txt")) as file:
            self.assertLen(file.read().split("\n"), 3)
        with self.assertRaisesRegex(ValueError, "distractor_motions="):
            generate_charades(folder, 1, 0, **kwargs)

    @parameterized.parameters(
        (["rising", "hopping"], ["hopping"]),
        (["rising", "hopping"], ["falling", "rising"]),
        (["rising", "hopping"], ["jumping"]),
        (["rising", "hopping"], "falling"),
        # All motions are classes.
        (None, ["falling"]),
    )
    def test_distractor_motions_are_no_classes(self, motions, names):
        folder = self.make_folder()
        with self.assertRaisesRegex(
            ValueError,
            "`distractor_motions` must be names of .*hopping.*, and none of "
            rf"`motions`. Received: distractor_motions=\('{names[0]}',?",
        ):
            generate_charades(folder, motions=motions, distractor_motions=names)
        self.assertEmpty(os.listdir(folder))

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
