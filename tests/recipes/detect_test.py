"""The recipe that users run on their own videos."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import keras
import numpy as np

from ssdet_keras import data
from ssdet_keras import evaluation
from ssdet_keras import models
from ssdet_keras.data import generate

RECIPE = pathlib.Path(__file__).resolve().parents[2] / "recipes" / "detect.py"
FORMATS = ("npz", "csv", "json", "vtt", "srt", "png", "html", "annotated.mp4")


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(RECIPE), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


class DetectTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name).resolve()
        generate.generate_charades(
            cls.root,
            num_train=1,
            num_test=2,
            size=32,
            min_duration=2,
            max_duration=3,
            verbose=False,
        )
        cls.charades = cls.root / "charades"
        cls.records = data.read_charades(
            cls.charades / "Charades_v1_test.csv",
            cls.charades / "Charades_v1_480",
            class_names=cls.charades / "Charades_v1_classes.txt",
        )
        cls.names = ["<b>&", "日本語", *cls.records.class_names[2:]]
        keras.utils.set_random_seed(0)
        backbone = models.X3DBackbone(width=0.25, depth=0.1)
        cls.model = models.FrameDetector(backbone, len(cls.names))
        # The first two classes are always active.
        bias = np.full(len(cls.names), -1.0)
        bias[:2] = 1.0
        cls.model.head.output_layer.bias.assign(bias)
        cls.model_path = cls.root / "model.keras"
        cls.model.save(cls.model_path)
        description = {
            "class_names": cls.names,
            "frame_stride": 2,
            "size": 32,
            "crop_scale": 1.0,
        }
        cls.model_path.with_suffix(".json").write_text(json.dumps(description))

        cls.videos = cls.root / "videos"
        (cls.videos / "below").mkdir(parents=True)
        first = cls.records[0].path
        for path in ("a.mp4", "below/a.mp4", "old.annotated.mp4"):
            shutil.copy(first, cls.videos / path)
        (cls.videos / "bad.mp4").write_bytes(b"no video")
        cls.output = cls.root / "out"
        cls.result = run(
            f"--model={cls.model_path}",
            f"--output_dir={cls.output}",
            f"--charades_annotations={cls.charades / 'Charades_v1_test.csv'}",
            cls.videos,
            cls.records[1].path,
            # Once more.
            cls.videos / "a.mp4",
        )

    def test_status_tells_of_bad_videos(self):
        self.assertEqual(self.result.returncode, 1, self.result.stderr)
        self.assertIn("1 of 4 videos failed", self.result.stderr)
        self.assertIn("bad.mp4", self.result.stderr)

    def test_every_video_has_every_file(self):
        stem = pathlib.Path(self.records[1].path).stem
        self.assertEqual(
            sorted(path.name for path in self.output.iterdir()),
            sorted(f"{n}.{f}" for n in ("a", "a_2", stem) for f in FORMATS),
        )

    def test_scores_and_segments(self):
        predictions = evaluation.load_predictions(self.output / "a.npz")
        path = self.videos / "a.mp4"
        expected = self.model.detect(
            path, frame_stride=2, size=32, crop_scale=1.0
        )
        np.testing.assert_allclose(predictions["a"], expected.scores, atol=1e-4)
        self.assertEqual(predictions.fps, {"a": expected.fps})
        self.assertEqual(predictions.model, str(self.model_path))
        for read, name in (
            (evaluation.read_segments_csv, "a.csv"),
            (evaluation.read_detections_json, "a.json"),
        ):
            segments = read(self.output / name, self.names)["a"]
            self.assertEqual([x.class_index for x in segments], [0, 1])
            for segment in segments:
                self.assertEqual(segment.start, 0)
                self.assertAlmostEqual(
                    segment.end, expected.duration, delta=1e-3
                )
        text = (self.output / "a.vtt").read_text("utf-8")
        self.assertIn("\n&lt;b&gt;&amp;\n日本語\n", text)

    def test_annotated_video(self):
        with (
            data.VideoFile(self.videos / "a.mp4") as video,
            data.VideoFile(self.output / "a.annotated.mp4") as annotated,
        ):
            self.assertEqual(annotated.num_frames, video.num_frames)
            self.assertEqual(annotated.fps, video.fps)
            self.assertEqual(annotated.width, 480)
            self.assertEqual(
                annotated.count_decodable_frames(), video.num_frames
            )

    def test_ground_truth_is_drawn(self):
        # Only of the video that is annotated.
        self.assertEqual(self.result.stderr.count("is annotated"), 1)

    def test_best_segments_of_several_thresholds(self):
        predictions = evaluation.load_predictions(self.output / "a.npz")
        scores = predictions["a"]
        # Of the first class, the whole video, and parts of it.
        low, middle = np.quantile(scores[:, 0].astype("float64"), [0, 0.5])
        thresholds = [float(low) - 1e-5, float(middle)]
        proposals = evaluation.find_segments(
            scores, fps=predictions.fps["a"], thresholds=thresholds
        )
        expected = evaluation.suppress_segments(proposals, tiou=0.01)
        self.assertLess(len(expected), len(proposals))
        output = self.root / "several"
        result = run(
            f"--model={self.model_path}",
            f"--output_dir={output}",
            "--formats=csv",
            f"--thresholds={','.join(map(repr, thresholds))}",
            "--tiou=0.01",
            "--min_duration=0",
            self.videos / "a.mp4",
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        segments = evaluation.read_segments_csv(output / "a.csv", self.names)
        np.testing.assert_allclose(segments["a"], expected, atol=1e-6)

    def test_other_class_names_and_formats(self):
        names = self.root / "names.txt"
        names.write_text("".join(f"n{i}\n" for i in range(len(self.names))))
        output = self.root / "other"
        result = run(
            f"--checkpoint={self.model_path}",
            f"--output_dir={output}",
            f"--class_names={names}",
            "--formats=csv,srt",
            "--threshold=0.1",
            "--window=8",
            "--overlap=2",
            self.videos / "a.mp4",
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(
            sorted(path.name for path in output.iterdir()), ["a.csv", "a.srt"]
        )
        self.assertIn("\na,n1,0.0,", (output / "a.csv").read_text())
