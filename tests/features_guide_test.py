"""The examples of the guide to features run, and what it names exists."""

import pathlib
import re
import tempfile
import unittest

from examples import find_examples
from examples import find_paths
from examples import run_example

ROOT = pathlib.Path(__file__).resolve().parents[1]
# What each example prints.
OUTPUTS = {
    "read": "<VideoFeatures: 7UPGT, 72 steps of features> 24.0 "
    "[0.         0.41666667]\n(10, 432)\n",
    "train": "(1, 72, 2)\n",
}


class FeaturesGuideTest(unittest.TestCase):
    def setUp(self):
        guide = ROOT / "docs" / "features.md"
        self.text = guide.read_text(encoding="utf-8")

    def test_examples(self):
        examples = find_examples(self.text)
        self.assertEqual([name for name, _ in examples], list(OUTPUTS))
        self.assertEqual(len(examples), self.text.count("```python"))
        with tempfile.TemporaryDirectory() as folder:
            code = "\n".join(code for _, code in examples)
            self.assertEqual(
                run_example(code, folder), "".join(OUTPUTS.values())
            )

    def test_what_is_named_exists(self):
        sources = "".join(
            (ROOT / "recipes" / f"{name}.py").read_text()
            for name in (
                "extract_features",
                "check_dataset",
                "dataset_flags",
                "inference",
                "shard_flags",
                "trained_detector",
            )
        )
        for flag in re.findall(r"--(\w+)", self.text):
            with self.subTest(flag=flag):
                self.assertIn(f'"{flag}"', sources)
        for name in find_paths(self.text):
            with self.subTest(name=name):
                self.assertTrue((ROOT / name).exists())
