"""Detectors of two streams: trained together, in two stages, and used."""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings

import checkpoint_files
import keras
import numpy as np
import pytest
import torch
from run_recipe_cases import run_recipe_cases

from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.data import generate

RECIPES = pathlib.Path(__file__).resolve().parents[2] / "recipes"
RECIPE = RECIPES / "finetune_charades.py"


def run_recipe(name, *arguments):
    result = subprocess.run(
        [sys.executable, RECIPES / name, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    if result.returncode:
        raise AssertionError(result.stderr[-5000:])
    return result


def tiny_backbone(width=0.25):
    return models.X3DBackbone(width=width, depth=0.1, zero_init_residual=False)


@pytest.mark.slow
class TwoStreamsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        generate.generate_charades(
            cls.root,
            num_train=2,
            num_test=1,
            size=32,
            min_duration=1,
            max_duration=2,
            verbose=False,
        )
        charades = cls.root / "charades"
        cls.videos = [
            f"--annotations={charades / 'Charades_v1_train.csv'}",
            f"--video_root={charades / 'Charades_v1_480'}",
        ]
        cls.common = [
            *cls.videos,
            f"--class_names={charades / 'Charades_v1_classes.txt'}",
            "--size=32",
            "--num_frames=6",
            "--frame_stride=2",
            "--batch_size=2",
            "--num_workers=1",
            "--epochs=1",
            "--width=0.25",
            "--depth=0.1",
        ]
        names = (charades / "Charades_v1_classes.txt").read_text().splitlines()
        cls.num_classes = len(names)
        keras.utils.set_random_seed(0)
        cls.fast = cls.save("fast", models.FrameDetector, cls.num_classes)
        cls.slow = cls.save("slow", models.VideoClassifier, 7)
        cls.wide = cls.root / "wide.keras"
        models.FrameDetector(tiny_backbone(0.5), 3).save(cls.wide)
        cls.backbone = cls.root / "backbone.keras"
        tiny_backbone().save(cls.backbone)
        cls.public = cls.root / "public.pyth"
        _, state = checkpoint_files.read_golden()
        torch.save(state, cls.public)
        (cls.root / "broken.pyth").write_bytes(b"no model")
        for name, model in (("fast", cls.fast), ("others", cls.wide)):
            run_recipe(
                "extract_features.py",
                *cls.videos,
                "--dataset=charades",
                f"--model={model}",
                f"--output_dir={cls.root / f'{name}_features'}",
                "--outputs=pyramid",
                "--dtype=float32",
                "--size=32",
                "--frame_stride=2",
            )
        streams = [
            f"--slow_checkpoint={cls.slow}",
            f"--fast_checkpoint={cls.fast}",
        ]
        features = f"--features={cls.root / 'fast_features'}"
        slowfast = [*cls.common, "--model=slowfast"]
        nothing = [*slowfast, f"--workdir={cls.root / 'nothing'}"]
        staged = [*slowfast, *streams, features]
        cls.cases = {
            "together": [*slowfast, *streams],
            "staged": staged,
            "resumed": [*staged, "--resume", "--epochs=2"],
            "scratch": slowfast,
            "coarse": [
                *cls.common,
                *streams,
                features,
                "--model=coarse_fine",
                "--pooling=max",
            ],
            "public": [
                *slowfast,
                f"--fast_checkpoint={cls.public}",
                "--backbone_factor=0",
            ],
            "other streams": [
                *nothing,
                f"--fast_checkpoint={cls.wide}",
                features,
            ],
            "no features": [
                *nothing,
                *streams,
                f"--features={cls.root / 'none'}",
            ],
            "stride": [*nothing, *streams, features, "--frame_stride=3"],
            "from scratch": [*nothing, features],
            "one stream": [*cls.common, features, nothing[-1]],
            "backbone": [*nothing, f"--fast_checkpoint={cls.backbone}"],
            "broken": [
                *nothing,
                f"--slow_checkpoint={cls.root / 'broken.pyth'}",
            ],
            "missing": [*nothing, "--slow_checkpoint=none.pyth"],
        }
        cases = []
        for name, case in cls.cases.items():
            workdir = {"resumed": "staged"}.get(name, name)
            if nothing[-1] not in case:
                case = [*case, f"--workdir={cls.root / workdir}"]
            cases.append(case)
        cls.messages = dict(
            zip(cls.cases, run_recipe_cases(RECIPE, cases), strict=True)
        )

    @classmethod
    def save(cls, name, model_class, num_classes):
        path = cls.root / f"{name}.keras"
        model_class(tiny_backbone(), num_classes).save(path)
        return path

    def load(self, name):
        self.assertIsNone(self.messages[name])
        workdir = self.root / name
        with open(workdir / "log.csv", newline="") as file:
            losses = [float(row["loss"]) for row in csv.DictReader(file)]
        self.assertTrue(np.isfinite(losses).all())
        return keras.saving.load_model(workdir / "model.keras"), losses

    def assert_change(self, part, source, changes):
        weights = zip(part.get_weights(), source.get_weights(), strict=True)
        changed = max(np.abs(a - b).max() for a, b in weights)
        (self.assertGreater if changes else self.assertEqual)(changed, 0)

    def test_both_streams_together(self):
        model, losses = self.load("together")
        self.assertIs(type(model), models.SlowFastDetector)
        self.assertEqual(len(losses), 1)
        fast = keras.saving.load_model(self.fast, compile=False)
        self.assert_change(model.fast, fast.backbone, changes=True)
        self.assertEqual(model.optimizer.fusion_factor, 10)
        self.assertEqual(model.optimizer.backbone_factor, 1)

    def test_slow_stream_on_features(self):
        self.assertIsNone(self.messages["resumed"])
        model, losses = self.load("staged")
        self.assertEqual(len(losses), 2)
        self.assertEqual(int(model.optimizer.iterations), 2)
        fast = keras.saving.load_model(self.fast, compile=False)
        slow = keras.saving.load_model(self.slow, compile=False)
        self.assert_change(model.fast, fast.backbone, changes=False)
        self.assert_change(model.slow, slow.backbone, changes=True)
        self.assert_change(model.fast_head, fast.head, changes=True)

    def test_coarse_stream_on_features(self):
        model, _ = self.load("coarse")
        self.assertIs(type(model), models.CoarseFineDetector)
        self.assertEqual(model.pooling, "max")
        fast = keras.saving.load_model(self.fast, compile=False)
        self.assert_change(model.fast, fast.backbone, changes=False)

    def test_public_checkpoint(self):
        model, _ = self.load("public")
        expected = tiny_backbone()
        with warnings.catch_warnings():
            # Its pixels are normalised in another way.
            warnings.simplefilter("ignore")
            models.load_checkpoint(expected, self.public)
        for weights in zip(
            model.fast.trainable_weights,
            expected.trainable_weights,
            strict=True,
        ):
            a, b = map(keras.ops.convert_to_numpy, weights)
            # Weights decay at the rate of the head.
            np.testing.assert_allclose(a, b, rtol=1e-5)

    def test_from_scratch(self):
        model, _ = self.load("scratch")
        self.assertEqual(model.num_classes, self.num_classes)

    def test_detects_and_evaluates(self):
        model = self.root / "staged" / "model.keras"
        self.assertIsNone(self.messages["staged"])
        video = next((self.root / "charades" / "Charades_v1_480").iterdir())
        output = self.root / "detections"
        run_recipe(
            "detect.py",
            f"--model={model}",
            f"--output_dir={output}",
            "--formats=npz,json",
            video,
        )
        self.assertTrue((output / f"{video.stem}.npz").is_file())
        charades = self.root / "charades"
        run_recipe(
            "evaluate.py",
            f"--model={model}",
            f"--annotations={charades / 'Charades_v1_test.csv'}",
            f"--video_root={charades / 'Charades_v1_480'}",
        )
        results = json.loads((model.parent / "results.json").read_text())
        self.assertIn("charades_official", results)
        description = training.read_description(model)
        self.assertEqual(description["model"], "slowfast")

    def test_messages(self):
        for name, expected in {
            "other streams": "--features must be those of --fast_checkpoint",
            "no features": "--features must be a folder that extract_features",
            "stride": "--frame_stride must be that of the features, 2",
            "from scratch": "those of --initial_model.*initial_model=None",
            "one stream": "--features needs --model=slowfast or",
            "backbone": "--fast_checkpoint must be a FrameDetector",
            "broken": "--slow_checkpoint: `path` must be a PyTorch",
            "missing": "--slow_checkpoint: `path` must be a checkpoint file",
        }.items():
            with self.subTest(name):
                self.assertRegex(self.messages[name] or "", expected)
