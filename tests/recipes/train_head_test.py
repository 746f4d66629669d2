"""Temporal heads on features whose first channels tell the activities."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import keras
import numpy as np
import pytest
from absl.testing import parameterized
from run_recipe_cases import run_recipe_cases

from ssdet_keras import data
from ssdet_keras import evaluation

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPE = FOLDER.parents[1] / "recipes" / "train_head.py"
NAMES = ["walk", "run", "jump, high"]


def write_annotations(path, num_videos, rng):
    rows = ["id,actions,length"]
    for index in range(num_videos):
        length = rng.uniform(4, 12)
        times = np.sort(rng.uniform(0, length, (3, 2)), axis=1)
        actions = ";".join(
            f"c{i:03d} {start} {end}" for i, (start, end) in enumerate(times)
        )
        rows.append(f"{path.stem}{index},{actions},{length}")
    path.write_text("\n".join(rows) + "\n")
    return data.read_charades(path, class_names=NAMES)


class TrainHeadTest(parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        rng = np.random.default_rng(0)
        cls.class_names = cls.root / "classes.txt"
        cls.class_names.write_text("".join(f"{n}\n" for n in NAMES))
        cls.features = cls.root / "features"
        cls.npy = cls.root / "npy"
        cls.npy.mkdir()
        for name in ("train", "test"):
            records = write_annotations(cls.root / f"{name}.csv", 12, rng)
            for record in records:
                num_frames = int(20 * record.duration)
                times = np.arange(0, num_frames, 4) / 20
                features = rng.normal(size=(len(times), 6))
                features[:, :3] += 6 * data.labels_at(record, times, 3)
                features = features.astype("float32")
                np.save(cls.npy / f"{record.id}.npy", features)
                data.write_features(
                    cls.features,
                    record.id,
                    [{"features": features}],
                    len(features),
                    fps=20,
                    stride=4,
                    num_frames=num_frames,
                )
        cls.records = records

    def run_recipe(self, *arguments):
        return subprocess.run(
            [
                sys.executable,
                RECIPE,
                f"--annotations={self.root / 'train.csv'}",
                f"--class_names={self.class_names}",
                *map(str, arguments),
            ],
            capture_output=True,
            text=True,
            check=False,
        )

    def train(self, *arguments):
        result = self.run_recipe(
            f"--test_annotations={self.root / 'test.csv'}",
            "--batch_size=4",
            *arguments,
        )
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        return result

    def test_training(self):
        workdir = self.root / "super_event"
        result = self.train(
            "--head=super_event",
            f"--features={self.features}",
            f"--workdir={workdir}",
            "--epochs=20",
            "--learning_rate=0.01",
        )
        self.assertRegex(result.stderr, r"\d s per epoch of 12 videos")
        description = json.loads((workdir / "model.json").read_text())
        self.assertEqual(description["head"], "super_event")
        self.assertEqual(description["class_names"], NAMES)

        predictions = evaluation.load_predictions(workdir / "predictions.npz")
        results = evaluation.charades(predictions, self.records)
        # Random scores have about a third.
        self.assertGreater(results["per_frame"].mean, 0.75)
        record = self.records[0]
        self.assertEqual(
            predictions[record.id].shape, (int(20 * record.duration), 3)
        )

        self.assert_saved_model(workdir, predictions)

    @pytest.mark.slow
    def test_heat_maps(self):
        workdir = self.root / "mstct"
        self.train(
            "--head=mstct",
            f"--features={self.features}",
            f"--workdir={workdir}",
            "--epochs=1",
        )
        header = (workdir / "log.csv").read_text().splitlines()[0]
        self.assertIn("heat_map_loss", header)
        predictions = evaluation.load_predictions(workdir / "predictions.npz")
        self.assert_saved_model(workdir, predictions)

    def assert_saved_model(self, workdir, predictions):
        """It gives logits alone: those that the predictions are made of."""
        model = keras.saving.load_model(workdir / "model.keras")
        record = self.records[0]
        x = np.load(self.npy / f"{record.id}.npy")[None]
        mask = np.ones(x.shape[:2], "float32")
        logits = model.predict_on_batch({"features": x, "mask": mask})
        self.assertEqual(logits.shape, (*x.shape[:2], 3))
        np.testing.assert_allclose(
            1 / (1 + np.exp(-logits[0, 0])),
            predictions[record.id][0],
            atol=2e-3,
        )

    def test_published_features(self):
        workdir = self.root / "linear"
        self.train(
            "--head=linear",
            f"--features={self.npy}",
            "--feature_fps=20",
            "--feature_stride=4",
            f"--workdir={workdir}",
            "--epochs=1",
        )
        predictions = evaluation.load_predictions(workdir / "predictions.npz")
        # The number of frames follows from the annotations.
        record = self.records[0]
        self.assertLen(predictions[record.id], round(20 * record.duration))

    def test_errors(self):
        flags = ["--head=pdan", f"--workdir={self.root / 'errors'}"]
        features = f"--features={self.features}"
        empty = self.root / "empty"
        os.makedirs(empty)
        other = self.root / "other.csv"
        write_annotations(other, 2, np.random.default_rng(1))
        cases = [
            ([*flags[:1], features], "workdir"),
            ([*flags, f"--features={empty}"], "--features: The folder"),
            ([*flags, f"--features={self.npy}"], "need fps and stride"),
            (
                [*flags, features, "--feature_fps=20"],
                "`fps` and `stride` must both be given",
            ),
            (
                [*flags, features, f"--test_annotations={other}"],
                "--features has none of",
            ),
            ([*flags, features, "surplus"], "Unexpected arguments"),
            (
                [*flags, features, "--head_options={units: 8}"],
                "--head_options={units: 8}: Expecting property name",
            ),
            (
                [*flags, features, '--head_options={"unit": 8}'],
                "Unrecognized keyword arguments",
            ),
            (
                [*flags, features, '--head_options={"units": 0}'],
                "`units` must be positive",
            ),
        ]
        common = [
            f"--annotations={self.root / 'train.csv'}",
            f"--class_names={self.class_names}",
        ]
        messages = run_recipe_cases(RECIPE, [[*common, *x] for x, _ in cases])
        for message, (arguments, expected) in zip(messages, cases, strict=True):
            with self.subTest(arguments=arguments):
                self.assertIn(expected, message or "")


if __name__ == "__main__":
    unittest.main()
