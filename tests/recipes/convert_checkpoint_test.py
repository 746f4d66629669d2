"""Conversion of checkpoints, and the errors of bad ones."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import checkpoint_files
import i3d_checkpoint
import keras
import numpy as np
import resnet3d_checkpoint
import torch
from run_recipe_cases import run_recipe_cases

from ssdet_keras import models

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPE = FOLDER.parents[1] / "recipes" / "convert_checkpoint.py"
SCALE = ["--width=0.25", "--depth=0.1"]
LAYERS = ["stem", "stage1", "stage2", "stage3", "stage4", "conv5", "logits"]


class ConvertCheckpointTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        cls.golden, state = checkpoint_files.read_golden()
        cls.pytorchvideo = cls.root / "pytorchvideo.pth"
        torch.save({"model_state": state}, cls.pytorchvideo)
        cls.multigrid = cls.root / "multigrid.pt"
        torch.save(
            {"model_state_dict": checkpoint_files.multigrid_state(state)},
            cls.multigrid,
        )
        cls.other = cls.root / "tgm.pt"
        torch.save({"sub_event1.soft_attn": torch.zeros(1)}, cls.other)
        cls.broken = cls.root / "broken.pth"
        state["blocks.0.norm.weight"] = torch.full_like(
            state["blocks.0.norm.weight"], float("nan")
        )
        torch.save(state, cls.broken)

    def call(self, cases):
        """Returns the messages that the calls with such arguments end with."""
        return run_recipe_cases(RECIPE, cases, TF_CPP_MIN_LOG_LEVEL="3")

    def test_converts(self):
        classifier = self.root / "classifier.keras"
        detector = self.root / "detector.keras"
        tuned = self.root / "tuned.keras"
        messages = self.call(
            [
                [
                    f"--checkpoint={self.pytorchvideo}",
                    f"--output={classifier}",
                    *SCALE,
                ],
                [
                    f"--checkpoint={self.multigrid}",
                    f"--output={detector}",
                    "--model=detector",
                    "--normalize=pytorchvideo",
                    *SCALE,
                ],
                [
                    f"--checkpoint={self.pytorchvideo}",
                    f"--output={tuned}",
                    "--num_classes=7",
                    *SCALE,
                ],
            ]
        )
        self.assertEqual(messages, [None] * 3)
        for path, key in ((classifier, "logits"), (detector, "frame_logits")):
            model = keras.saving.load_model(path)
            np.testing.assert_allclose(
                model.predict_on_batch(self.golden["clip"]),
                self.golden[key],
                atol=1e-4,
            )
            report = json.loads(path.with_suffix(".parity.json").read_text())
            self.assertEqual(list(report["parity"]), LAYERS)
            for row in report["parity"].values():
                self.assertLess(row["max_difference"], 1e-4)
                self.assertGreater(row["standard_deviation"], 0.1)
            self.assertEqual(report["num_weights_loaded"], len(model.weights))
            self.assertEqual(report["model"], type(model).__name__)
            self.assertEqual(report["initialized"], [])
        self.assertEqual(report["layout"], "X3D-Multigrid")

        model = keras.saving.load_model(tuned)
        self.assertIsInstance(model, models.VideoClassifier)
        self.assertEqual(model.num_classes, 7)
        report = json.loads(tuned.with_suffix(".parity.json").read_text())
        self.assertEqual(list(report["parity"]), LAYERS[:-1])
        self.assertEqual(
            report["initialized"], ["head/output/kernel", "head/output/bias"]
        )
        self.assertEqual(list(self.root.glob("unfinished*")), [])

    def convert(self, name, state):
        """Converts a state dict to NAME.keras. Returns the report."""
        torch.save(state, self.root / f"{name}.pt")
        path = self.root / f"{name}.keras"
        messages = self.call(
            [
                [
                    f"--checkpoint={self.root / f'{name}.pt'}",
                    f"--output={path}",
                    "--model=detector",
                ]
            ]
        )
        self.assertEqual(messages, [None])
        report = json.loads(path.with_suffix(".parity.json").read_text())
        self.assertEqual(
            list(report["parity"]),
            ["stem", "stage1", "stage2", "stage3", "stage4", "logits"],
        )
        for row in report["parity"].values():
            self.assertLess(
                row["max_difference"], 1e-3 * row["standard_deviation"]
            )
        return report

    def test_converts_i3d(self):
        report = self.convert(
            "flow", i3d_checkpoint.generated_state(channels=2)
        )
        self.assertEqual(report["backbone"], "I3DBackbone")
        self.assertIsNone(report["variant"])
        model = keras.saving.load_model(self.root / "flow.keras")
        self.assertEqual(model.backbone.modality, "flow")
        # As it comes of the videos that extract_flow.py makes.
        self.assertEqual(model.input_shape[-1], 3)

    def test_converts_resnet3d(self):
        state = {"model_state": resnet3d_checkpoint.generated_state()}
        report = self.convert("slow", state)
        self.assertEqual(report["backbone"], "ResNet3DBackbone")
        self.assertEqual(report["normalize"], "pytorchvideo")

    def test_errors(self):
        checkpoint = f"--checkpoint={self.pytorchvideo}"
        output = f"--output={self.root / 'bad.keras'}"
        cases = [
            ([output], "checkpoint"),
            ([checkpoint], "output"),
            (
                [checkpoint, f"--output={self.root / 'a.h5'}"],
                r"--output=.*a\.h5",
            ),
            ([checkpoint, "--output=/nowhere/a.keras"], "--output=/nowhere"),
            ([checkpoint, output], "missing in the file: stage1_block2"),
            (
                [f"--checkpoint={self.other}", output],
                "I3D or a 3D ResNet. .* TGM",
            ),
            ([checkpoint, output, *SCALE, "--num_classes=0"], "num_classes"),
            ([checkpoint, output, "more"], "Unexpected arguments.*more"),
            (["--checkpoint=none.pth", output], "none.pth, which does not"),
            (
                [f"--checkpoint={self.multigrid}", output, *SCALE],
                "--normalize must be set .* X3D-Multigrid",
            ),
        ]
        messages = self.call([case for case, _ in cases])
        for (case, expected), message in zip(cases, messages, strict=True):
            with self.subTest(case=case):
                self.assertIsNotNone(message)
                self.assertRegex(message, expected)
        self.assertFalse((self.root / "bad.keras").exists())

    def test_other_results_leave_no_file(self):
        """Weights that are not numbers can't be compared."""
        output = self.root / "nan.keras"
        result = subprocess.run(
            [
                sys.executable,
                RECIPE,
                f"--checkpoint={self.broken}",
                f"--output={output}",
                *SCALE,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("was not converted", result.stderr)
        self.assertEqual(list(self.root.glob("*nan*")), [])
