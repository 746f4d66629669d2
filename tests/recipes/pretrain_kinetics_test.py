"""Pretraining with augmented feature maps, at a tiny scale."""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import keras
import numpy as np
from event_file import read_events
from run_recipe_cases import run_recipe_cases

from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.data import generate

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPE = FOLDER.parents[1] / "recipes" / "pretrain_kinetics.py"
# The augmentations of flags, in a process whose flags are those of the recipe.
MAKE_AUGMENTATIONS = """
import json, sys
from absl import flags
from ssdet_keras.recipes import pretrain_kinetics

configs = []
for case in json.loads(sys.argv[1]):
    flags.FLAGS.unparse_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    required = ["--annotations=a", "--video_root=b", "--workdir=c"]
    flags.FLAGS(["recipe.py", *required, *case])
    layer = pretrain_kinetics.make_augmentation(seed=0)
    parts = getattr(layer, "layers", [layer])
    configs.append({type(x).__name__: x.get_config() for x in parts})
print("CONFIGS", json.dumps(configs, default=str))
"""


def make_augmentations(*cases):
    """Returns the configurations of the layers by name, of each case."""
    result = subprocess.run(
        [sys.executable, "-c", MAKE_AUGMENTATIONS, json.dumps(cases)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if "CONFIGS" not in result.stdout:
        raise AssertionError(result.stderr[-5000:])
    return json.loads(result.stdout.split("CONFIGS")[1])


class PretrainKineticsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        generate.generate_kinetics(
            cls.root, num_train=4, num_val=0, size=32, duration=1, verbose=False
        )
        common = [
            f"--annotations={cls.root / 'kinetics' / 'train.csv'}",
            f"--video_root={cls.root / 'kinetics' / 'videos'}",
            "--width=0.25",
            "--depth=0.1",
            "--size=32",
            "--num_frames=4",
            "--batch_size=2",
            "--num_workers=1",
            "--steps_per_epoch=2",
            "--warmup_steps=0",
            "--initialization=motion",
        ]
        random = [
            *common,
            f"--workdir={cls.root / 'random'}",
            "--augmentation_depth=random",
            "--loss=softmax",
        ]
        stage = [
            *common,
            f"--workdir={cls.root / 'stage'}",
            "--augmentation_depth=stage2",
            "--augmentation=cutmix",
            "--mixed_precision=bfloat16",
        ]
        averaged = [
            *common,
            f"--workdir={cls.root / 'averaged'}",
            "--mixed_precision=float16",
            "--ema=0.9",
            "--accumulate_steps=2",
            "--clip_norm=1",
            "--pictured_clips=0",
        ]
        nothing = [*common, f"--workdir={cls.root / 'nothing'}"]
        cases = [
            [*random, "--steps=2"],
            [*random, "--steps=4", "--resume", "--learning_rate=9"],
            [*stage, "--steps=3", "--resume"],
            [*averaged, "--steps=2"],
            [*nothing, "--augmentation_depth=stage5"],
            [*nothing, "--augmentation_depth=stem", "--augmentation=none"],
            [*nothing, "--augmentation_depth=stem", "--task=classification"],
            [*nothing, "--cutmix_mode=both"],
            [*nothing, "--freeze_segments=0"],
        ]
        cls.messages = run_recipe_cases(RECIPE, cases)

    def assert_trained(self, name, num_epochs, num_steps, num_outputs):
        workdir = self.root / name
        with open(workdir / "log.csv", newline="") as file:
            losses = [float(row["loss"]) for row in csv.DictReader(file)]
        self.assertEqual(len(losses), num_epochs)
        self.assertTrue(np.isfinite(losses).all())
        model = keras.saving.load_model(workdir / "model.keras")
        self.assertIs(type(model), models.FrameDetector)
        self.assertEqual(model.num_classes, num_outputs)
        self.assertEqual(int(model.optimizer.iterations), num_steps)
        return model

    def test_random_depth_with_background_class_resumes(self):
        self.assertEqual(self.messages[:2], [None, None])
        model = self.assert_trained("random", 2, 4, num_outputs=5)
        # Whatever the flag is, the rate is that of the checkpoint.
        schedule = model.optimizer.get_config()["learning_rate"]
        self.assertEqual(schedule["config"]["learning_rate"], 0.05)

    def test_stage_in_mixed_precision(self):
        self.assertIsNone(self.messages[2])
        # The last of the two epochs is shorter.
        self.assert_trained("stage", 2, 3, num_outputs=4)

    def test_float16_averages_accumulated_and_clipped_gradients(self):
        self.assertIsNone(self.messages[3])
        model = keras.saving.load_model(self.root / "averaged" / "model.keras")
        self.assertEqual(model.backbone.dtype_policy.name, "mixed_float16")
        self.assertEqual(model.optimizer.ema_momentum, 0.9)
        self.assertEqual(model.optimizer.gradient_accumulation_steps, 2)
        self.assertEqual(model.optimizer.global_clipnorm, 1)

    def test_pictured_clips(self):
        for name, is_drawn in (("stage", True), ("averaged", False)):
            pictures = [
                value.tag
                for event in read_events(self.root / name / "tensorboard")
                for value in event.summary.value
                if value.HasField("image")
            ]
            self.assertEqual("clips" in pictures, is_drawn)

    def test_nothing_to_resume_is_a_new_run(self):
        run = training.read_run(self.root / "stage")
        self.assertEqual(run.settings["augmentation"], "cutmix")

    def test_unknown_depth(self):
        self.assertRegex(
            self.messages[4],
            "--augmentation_depth=stage5.*input\\|random\\|stem\\|stage1\\|"
            "stage2\\|stage3\\|stage4",
        )

    def test_depth_needs_an_augmentation(self):
        for message in self.messages[5:7]:
            self.assertIn("--augmentation_depth=stem needs an", message)
        self.assertFalse((self.root / "nothing").exists())

    def test_invalid_variants(self):
        self.assertRegex(
            self.messages[7], "--cutmix_mode=both.*window\\|view\\|random"
        )
        self.assertRegex(self.messages[8], "--freeze_segments=0.*positive")

    def test_help(self):
        result = subprocess.run(
            [sys.executable, str(RECIPE), "--help"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertIn("--augmentation_depth: <input|random|", result.stdout)


class VariantsTest(unittest.TestCase):
    def test_flags_reach_the_layers(self):
        variants = ["--cutmix_mode=view", "--freeze_segments=3"]
        names = ["freeze", "cutmix", "joint", "joint_single"]
        flags = [f"--augmentation={name}" for name in names]
        default, window, *others = make_augmentations(
            [flags[2]],
            [flags[2], "--cutmix_mode=window"],
            *([flag, *variants] for flag in flags),
        )
        self.assertEqual(default["VolumeCutMix"]["mode"], "random")
        self.assertEqual(default["VolumeFreeze"]["num_segments"], 1)
        self.assertEqual(window["VolumeCutMix"]["mode"], "window")
        self.assertEqual(window["VolumeFreeze"]["num_segments"], 1)
        together = ["VolumeFreeze", "VolumeMixUp", "VolumeCutMix"]
        for configs, expected in zip(
            others,
            (["VolumeFreeze"], ["VolumeCutMix"], together, together),
            strict=True,
        ):
            self.assertEqual(list(configs), expected)
            if "VolumeFreeze" in configs:
                self.assertEqual(configs["VolumeFreeze"]["num_segments"], 3)
            if "VolumeCutMix" in configs:
                self.assertEqual(configs["VolumeCutMix"]["mode"], "view")
