"""The example of the guide to detection runs, and what it names exists."""

import os
import pathlib
import re
import tempfile
import unittest

import numpy as np
from examples import find_examples
from examples import run_example

from ssdet_keras import data

ROOT = pathlib.Path(__file__).resolve().parents[1]


class DetectionGuideTest(unittest.TestCase):
    def setUp(self):
        guide = ROOT / "docs" / "detection.md"
        self.text = guide.read_text(encoding="utf-8")

    def test_example(self):
        ((_, code),) = find_examples(self.text)
        with tempfile.TemporaryDirectory() as folder:
            frames = (np.full((48, 64, 3), 5 * i, "uint8") for i in range(50))
            data.write_video(pathlib.Path(folder) / "video.mp4", frames, 25)
            output = run_example(code, folder)
            self.assertEqual(output, "(50, 2) 25.0\n")
            self.assertEqual(
                sorted(os.listdir(folder)),
                ["annotated.mp4", "video.mp4", "video.vtt"],
            )

    def test_what_is_named_exists(self):
        sources = "".join(
            (ROOT / "recipes" / name).read_text()
            for name in ("detect.py", "inference.py", "trained_detector.py")
        )
        for flag in re.findall(r"--(\w+)", self.text):
            with self.subTest(flag=flag):
                self.assertIn(f'"{flag}"', sources)
        names = re.findall(r"(?:recipes|benchmarks)/\w+\.py", self.text)
        names += [
            f"docs/{x}" for x in re.findall(r"\]\((\w+\.md)\)", self.text)
        ]
        for name in names:
            with self.subTest(name=name):
                self.assertTrue((ROOT / name).exists())
