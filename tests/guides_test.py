"""The examples of short guides run as written, and what they name exists."""

import pathlib
import re
import tempfile
import unittest

import numpy as np
from examples import find_examples
from examples import run_example

from ssdet_keras import data

ROOT = pathlib.Path(__file__).resolve().parents[1]
GUIDES = {"live.md": "live", "reports.md": "report"}
# The recipe of each guide, whose flags it may name.
RECIPES = {"live.md": "detect_live.py", "reports.md": "report.py"}


def read_guide(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


class GuidesTest(unittest.TestCase):
    def test_examples(self):
        for guide, expected in GUIDES.items():
            text = read_guide(guide)
            ((name, code),) = find_examples(text)
            self.assertEqual(name, expected)
            self.assertEqual(text.count("```python"), 1)
            with self.subTest(guide=guide), tempfile.TemporaryDirectory() as f:
                frames = (
                    np.full((64, 96, 3), 5 * i, "uint8") for i in range(25)
                )
                data.write_video(pathlib.Path(f) / "video.mp4", frames, 25)
                output = run_example(code, f)
                if name == "live":
                    *windows, last = output.splitlines()
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
                    for name in (
                        recipe,
                        "annotation_flags.py",
                        "trained_detector.py",
                    )
                )
                for flag in re.findall(r"--(\w+)", text):
                    self.assertIn(f'"{flag}"', source)
