"""Bad flags and files end every recipe with one clear sentence."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

from run_recipe_cases import run_recipe_cases

from ssdet_keras import data
from ssdet_keras import models
from ssdet_keras.data import generate

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPES = FOLDER.parents[1] / "recipes"


class RecipeErrorsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        generate.generate_kinetics(
            cls.root, num_train=2, num_val=0, size=16, duration=1, verbose=False
        )
        generate.generate_charades(
            cls.root,
            num_train=2,
            num_test=2,
            size=16,
            min_duration=2,
            max_duration=3,
            verbose=False,
        )
        kinetics, charades = cls.root / "kinetics", cls.root / "charades"
        cls.kinetics = [
            f"--annotations={kinetics / 'train.csv'}",
            f"--video_root={kinetics / 'videos'}",
        ]
        cls.charades = [
            f"--annotations={charades / 'Charades_v1_test.csv'}",
            f"--video_root={charades / 'Charades_v1_480'}",
            f"--class_names={charades / 'Charades_v1_classes.txt'}",
        ]
        backbone = models.X3DBackbone(width=0.25, depth=0.1)
        cls.classifier = cls.root / "classifier.keras"
        models.VideoClassifier(backbone, 16).save(cls.classifier)
        cls.detector = cls.root / "detector.keras"
        models.FrameDetector(backbone, 16).save(cls.detector)
        (cls.root / "three.txt").write_text("a\nb\nc\n")
        cls.broken = cls.root / "broken.keras"
        cls.broken.write_bytes(b"no model")

    def assert_messages(self, recipe, cases):
        """Checks the message of each pair of arguments and expectation."""
        messages = run_recipe_cases(
            RECIPES / recipe, [case for case, _ in cases]
        )
        for (case, expected), message in zip(cases, messages, strict=True):
            with self.subTest(case=[str(a) for a in case]):
                self.assertIsNotNone(message)
                self.assertRegex(message, expected)

    def test_pretrain_kinetics(self):
        run = f"--workdir={self.root / 'run'}"
        old = self.root / "old"
        old.mkdir()
        (old / "log.csv").touch()
        a_file = self.root / "file"
        a_file.touch()
        common = [*self.kinetics, "--batch_size=2"]
        names = self.root / "names.txt"
        names.write_text("walking\nrunning\n")
        self.assert_messages(
            "pretrain_kinetics.py",
            [
                ([*common], "--workdir"),
                ([run, "--annotations=none.csv", common[1]], "none.csv"),
                ([run, common[0], "--video_root=/nowhere"], "/nowhere"),
                ([run, *common, "--task=guessing"], "--task.*guessing"),
                ([run, *common, "--batch_size=0"], "batch_size"),
                ([run, *common, "--batch_size=3"], "exceeds the 2 training"),
                ([run, *common, "--milestones=soon"], "--milestones.*soon"),
                (
                    [run, *common, f"--class_names={names}"],
                    "'growing' in line 2",
                ),
                ([run, *common, "--min_crop=0.9"], "--min_crop"),
                (
                    [run, *common, "--sub_batch_size=3"],
                    "--batch_size=2, --sub_batch_size=3",
                ),
                ([f"--workdir={old}", *common], "already holds a run"),
                ([f"--workdir={a_file}", *common], "can be written to"),
                (
                    [run, *common, "--initial_model=none.keras"],
                    "--initial_model=none.keras",
                ),
                (
                    [run + "2", *common, f"--initial_model={self.broken}"],
                    "Can't load .*broken.keras",
                ),
                ([run + "3", *common, "more"], "Unexpected arguments.*more"),
            ],
        )

    def test_finetune_charades(self):
        run = f"--workdir={self.root / 'tune'}"
        self.assert_messages(
            "finetune_charades.py",
            [
                ([run, *self.charades, "--batch_size=3"], "exceeds the 2"),
                ([run, *self.charades, "--epochs=0"], "epochs"),
            ],
        )

    def test_evaluate(self):
        files = self.charades[:2]
        self.assert_messages(
            "evaluate.py",
            [
                ([*files], "Name files of predictions, or set --model"),
                ([*files, "--model=none.keras"], "--model=none.keras"),
                ([*files, "a.npz", "--model=b.keras"], "or set --model"),
                ([files[0], "--model=none.keras"], "needs --video_root"),
                ([*files, f"--model={self.broken}"], "Can't load"),
                ([*files, f"--model={self.classifier}"], "a VideoClassifier"),
                ([*files, f"--model={self.detector}"], "--frame_stride"),
                (
                    [
                        *files,
                        f"--model={self.detector}",
                        "--frame_stride=2",
                        "--frame_rate=5",
                    ],
                    "one of --frame_stride and --frame_rate",
                ),
            ],
        )

    def test_detect(self):
        output = f"--output_dir={self.root / 'detections'}"
        complete = [
            output,
            "a.mp4",
            f"--model={self.detector}",
            "--frame_stride=1",
            "--size=16",
        ]
        self.assert_messages(
            "detect.py",
            [
                ([output, f"--model={self.detector}"], "at least one video"),
                ([output, "a.mp4"], "--model"),
                (
                    [output, "a.mp4", "--model=b.keras", "--threshold=2"],
                    "threshold",
                ),
                ([*complete, "--formats=csv,gif"], "--formats=csv,gif"),
                ([*complete, "--formats="], "--formats must be some of npz"),
                ([*complete, "--low_threshold=0.6"], "--low_threshold=0.6"),
                ([*complete, "--thresholds=0.2,x"], "--thresholds=0.2,x"),
                ([*complete, "--thresholds=0.2,1.5"], "--thresholds=0.2,1.5"),
                (
                    [*complete, "--thresholds=0.2", "--low_threshold=0.1"],
                    "one of --low_threshold and --thresholds",
                ),
                ([*complete, "--overlap=128"], "--overlap=128, --window=128"),
                ([*complete, "--class_names=none.txt"], "none.txt"),
                (
                    [
                        *complete,
                        f"--class_names={self.root / 'three.txt'}",
                    ],
                    "the 16 classes of --model. Received: 3 names",
                ),
                (
                    [*complete, "--charades_annotations=none.csv"],
                    "--charades_annotations must exist. Received: none.csv",
                ),
            ],
        )

    def test_preview_augmentations(self):
        records = data.read_kinetics(
            self.root / "kinetics" / "train.csv",
            self.root / "kinetics" / "videos",
        )
        self.assert_messages(
            "preview_augmentations.py",
            [
                ([], "one or two videos"),
                ([self.broken], "broken.keras"),
                ([records[0].path, "--names=a,b"], "--names=a,b"),
                ([records[0].path, "--output=/nowhere/a.png"], "--output"),
            ],
        )

    def test_generate_dataset(self):
        self.assert_messages(
            "generate_dataset.py",
            [
                ([], "output_dir"),
                ([f"--output_dir={self.root}", "--seed=5"], "settings"),
                ([f"--output_dir={self.root}", "--size=8"], "size"),
            ],
        )

    def test_help_tells_the_shared_flags_too(self):
        for recipe, flag in (
            ("detect.py", "--model:"),
            ("finetune_charades.py", "--workdir:"),
        ):
            result = subprocess.run(
                [sys.executable, RECIPES / recipe, "--help"],
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertIn(flag, result.stdout)
