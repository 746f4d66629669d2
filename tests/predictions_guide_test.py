"""The examples of the guide to files of predictions run as written."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "predictions.md"
# What each example prints.
OUTPUTS = {
    "save": "<Predictions: 2 videos, 2 classes>\n"
    "(300, 2) [0.         0.03333333 0.06666667]\n",
    "convert": "(25, 2)\nTrue\n",
    "ensemble": "(300, 2)\n",
}


class PredictionsGuideTest(unittest.TestCase):
    def setUp(self):
        self.text = GUIDE.read_text(encoding="utf-8")

    def test_examples(self):
        examples = re.findall(
            r"<!-- example: (.+?) -->\n```python\n(.+?)```",
            self.text,
            re.DOTALL,
        )
        self.assertEqual([name for name, _ in examples], list(OUTPUTS))
        self.assertEqual(len(examples), self.text.count("```python"))
        folder = self.enterContext(tempfile.TemporaryDirectory())
        result = subprocess.run(
            [sys.executable, "-c", "\n".join(code for _, code in examples)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        self.assertEqual(result.stdout, "".join(OUTPUTS.values()))

    def test_what_is_named_exists(self):
        from ssdet_keras import evaluation

        names = re.findall(r"`((?:read|write)_\w+)`", self.text)
        self.assertEqual(len(names), 8)
        for name in names:
            self.assertTrue(hasattr(evaluation, name), name)
        for recipe in re.findall(r"recipes/\w+\.py", self.text):
            self.assertTrue((ROOT / recipe).exists())
