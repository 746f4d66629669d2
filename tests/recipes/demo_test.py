"""The whole job, at a scale at which nothing is learned."""

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
import pytest

from ssdet_keras import data
from ssdet_keras import evaluation

RECIPES = pathlib.Path(__file__).resolve().parents[2] / "recipes"


def run_recipe(name, *arguments):
    return subprocess.run(
        [sys.executable, str(RECIPES / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


@pytest.mark.slow
class DemoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        cls.flags = [f"--workdir={cls.root}", "--scale=0.02"]
        cls.result = run_recipe("demo.py", *cls.flags)
        cls.run_dir = cls.root / f"{keras.config.backend()}_seed0"

    def test_1_succeeds(self):
        output = self.result.stdout + self.result.stderr
        self.assertEqual(self.result.returncode, 0, output[-5000:])
        self.assertIn("[10/10] Draw the augmentations", output)
        self.assertIn("Detection pretraining changed", output)

    def test_2_report_shows_the_results(self):
        page = (self.root / "index.html").read_text(encoding="utf-8")
        self.assertEqual(page.count("data:image/png;base64"), 4)
        self.assertNotRegex(page, r"(src|href)=.http")
        for task in ("classification", "detection"):
            path = self.run_dir / f"finetune_{task}" / "results.json"
            results = json.loads(path.read_text())
            mean = results["charades_official"]["mean"]
            self.assertIn(f"{100 * mean:.1f}", page)

    def test_3_results_are_those_of_the_predictions(self):
        folder = self.run_dir / "finetune_detection"
        predictions = evaluation.load_predictions(folder / "predictions.npz")
        self.assertEqual(len(predictions.class_names), 12)
        self.assertEqual(set(predictions.fps), set(predictions))
        self.assertEqual(predictions.model, str(folder / "model.keras"))
        self.assertTrue(predictions.commit)
        for scores in predictions.values():
            self.assertEqual(scores.shape[1], 12)
            self.assertTrue(np.all((scores >= 0) & (scores <= 1)))

    def test_4_pretrainings_have_equal_steps(self):
        logs = []
        for task in ("classification", "detection"):
            path = self.run_dir / f"pretrain_{task}" / "log.csv"
            with open(path, newline="") as file:
                logs.append(list(csv.DictReader(file)))
        self.assertEqual(len(logs[0]), len(logs[1]))
        losses = [float(row["loss"]) for log in logs for row in log]
        self.assertTrue(np.all(np.isfinite(losses)))

    def test_5_second_call_skips_what_is_done(self):
        result = run_recipe("demo.py", *self.flags)
        self.assertEqual(result.returncode, 0, result.stderr[-5000:])
        self.assertEqual(result.stdout.count("done before"), 10)

    def test_6_resume_goes_on(self):
        folder = self.run_dir / "finetune_detection"
        flagfile = folder / "flags.txt"
        log = (folder / "log.csv").read_text().splitlines()
        result = run_recipe(
            "finetune_charades.py",
            f"--flagfile={flagfile}",
            "--resume",
            f"--epochs={len(log) + 1}",
        )
        self.assertEqual(result.returncode, 0, result.stderr[-5000:])
        longer = (folder / "log.csv").read_text().splitlines()
        self.assertEqual(longer[: len(log)], log)
        self.assertEqual(len(longer), len(log) + 2)

    def test_7_ensemble_of_predictions(self):
        charades = self.root / "data" / "charades"
        paths = [
            self.run_dir / f"finetune_{task}" / "predictions.npz"
            for task in ("classification", "detection")
        ]
        result = run_recipe(
            "evaluate.py",
            f"--annotations={charades / 'Charades_v1_test.csv'}",
            f"--output_dir={self.root / 'ensemble'}",
            *paths,
        )
        self.assertEqual(result.returncode, 0, result.stderr[-5000:])
        self.assertIn("charades_official", result.stdout)

    def test_8_multithumos_in_mixed_precision(self):
        charades = self.root / "data" / "charades"
        videos = charades / "Charades_v1_480"
        records = data.read_charades(
            charades / "Charades_v1_train.csv",
            videos,
            class_names=charades / "Charades_v1_classes.txt",
        )
        # The format of MultiTHUMOS, whose classes count from 1.
        entries = {
            record.id: {
                "subset": "training",
                "duration": record.duration,
                "actions": [[c + 1, s, e] for c, s, e in record.segments],
            }
            for record in records
        }
        annotations = self.root / "multithumos.json"
        annotations.write_text(json.dumps(entries))
        names = self.root / "class_list.txt"
        names.write_text(
            "".join(f"{i + 1} {n}\n" for i, n in enumerate(records.class_names))
        )
        files = [f"--annotations={annotations}", f"--video_root={videos}"]
        workdir = self.root / "multithumos"
        result = run_recipe(
            "finetune_multithumos.py",
            *files,
            f"--class_names={names}",
            f"--workdir={workdir}",
            f"--initial_model={self.run_dir / 'warm_up' / 'model.keras'}",
            "--mixed_precision=bfloat16",
            "--epochs=1",
            "--milestones=1",
            "--batch_size=4",
            "--size=32",
        )
        self.assertEqual(result.returncode, 0, result.stderr[-5000:])
        result = run_recipe(
            "evaluate.py",
            *files,
            "--dataset=multithumos",
            "--split=training",
            f"--model={workdir / 'model.keras'}",
        )
        self.assertEqual(result.returncode, 0, result.stderr[-5000:])
        self.assertIn("multithumos_per_frame", result.stdout)

    def test_8_training_goes_on_past_bad_videos(self):
        kinetics = self.root / "data" / "kinetics"
        rows = (kinetics / "train.csv").read_text().splitlines()
        videos = self.root / "some_bad"
        (videos / "train").mkdir(parents=True)
        paths = sorted((kinetics / "videos" / "train").glob("*.mp4"))
        for path in paths[2:]:
            (videos / "train" / path.name).symlink_to(path)
        broken = videos / "train" / paths[0].name
        broken.write_bytes(paths[0].read_bytes()[:500])
        annotations = self.root / "some_bad.csv"
        annotations.write_text("\n".join(rows) + "\n")
        workdir = self.root / "some_bad_run"
        result = run_recipe(
            "pretrain_kinetics.py",
            f"--annotations={annotations}",
            f"--video_root={videos}",
            f"--workdir={workdir}",
            "--width=0.25",
            "--depth=0.1",
            "--size=32",
            "--batch_size=8",
            "--steps=2",
            "--augmentation=joint",
            "--loss=softmax",
            "--max_failures=0.2",
        )
        self.assertEqual(result.returncode, 0, result.stderr[-5000:])
        failures = (workdir / "failures.txt").read_text()
        # One can't be read, one is missing: both are named.
        self.assertEqual(len(failures.splitlines()), 2)
        self.assertIn(broken.name, failures)
        self.assertIn("2 videos could not be read", result.stderr)
        self.assertIn("missing", result.stderr)

    def test_8_detect_goes_on_past_a_bad_video(self):
        videos = self.root / "data" / "charades" / "Charades_v1_480"
        good = sorted(videos.glob("*.mp4"))[0]
        bad = self.root / "bad.mp4"
        bad.write_bytes(b"no video")
        result = run_recipe(
            "detect.py",
            f"--model={self.run_dir / 'finetune_detection' / 'model.keras'}",
            f"--output_dir={self.root / 'detections'}",
            bad,
            good,
        )
        self.assertIn("1 of 2 videos failed", result.stderr)
        self.assertIn("bad.mp4", result.stderr)
        for suffix in (".npz", ".csv", ".png"):
            path = self.root / "detections" / f"{good.stem}{suffix}"
            self.assertTrue(path.exists())

    def test_9_preview_of_one_video(self):
        videos = self.root / "data" / "kinetics" / "videos" / "train"
        output = self.root / "preview.png"
        result = run_recipe(
            "preview_augmentations.py",
            f"--output={output}",
            sorted(videos.glob("*.mp4"))[0],
        )
        self.assertEqual(result.returncode, 0, result.stderr[-5000:])
        self.assertEqual(output.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
