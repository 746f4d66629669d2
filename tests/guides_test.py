"""The examples of short guides run as written, and what they name exists."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import cv2
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
GUIDES = {"live.md": "live", "reports.md": "report"}
# The recipe of each guide, whose flags it may name.
RECIPES = {"live.md": "detect_live.py", "reports.md": "report.py"}


def read_guide(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def write_video(path):
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (96, 64)
    )
    for number in range(25):
        writer.write(np.full((64, 96, 3), 5 * number, "uint8"))
    writer.release()


class GuidesTest(unittest.TestCase):
    def test_examples(self):
        for guide, expected in GUIDES.items():
            text = read_guide(guide)
            ((name, code),) = re.findall(
                r"<!-- example: (.+?) -->\n```python\n(.+?)```", text, re.DOTALL
            )
            self.assertEqual(name, expected)
            self.assertEqual(text.count("```python"), 1)
            with self.subTest(guide=guide), tempfile.TemporaryDirectory() as f:
                write_video(pathlib.Path(f) / "video.mp4")
                result = subprocess.run(
                    [sys.executable, "-c", code],
                    cwd=f,
                    capture_output=True,
                    text=True,
                    check=False,
                    env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
                )
                self.assertEqual(result.returncode, 0, result.stderr[-3000:])
                if name == "live":
                    *windows, last = result.stdout.splitlines()
                    self.assertEqual(last, "25 frames")
                    self.assertEqual(set(windows), {"(157,) True"})
                else:
                    page = pathlib.Path(f) / "gains.html"
                    self.assertIn("data:image/png", page.read_text())

    def test_what_is_named_exists(self):
        for guide, recipe in RECIPES.items():
            text = read_guide(guide)
            with self.subTest(guide=guide):
                self.assertIn(f"recipes/{recipe}", text)
                for name in re.findall(r"recipes/\w+\.py", text):
                    self.assertTrue((ROOT / name).exists(), name)
                source = "".join(
                    (ROOT / "recipes" / name).read_text()
                    for name in (recipe, "trained_detector.py")
                )
                for flag in re.findall(r"--(\w+)", text):
                    self.assertIn(f'"{flag}"', source)
