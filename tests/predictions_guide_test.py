"""The examples of the guide to files of predictions run as written."""

import pathlib
import re
import tempfile
import unittest

from examples import find_examples
from examples import run_example

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
        examples = find_examples(self.text)
        self.assertEqual([name for name, _ in examples], list(OUTPUTS))
        self.assertEqual(len(examples), self.text.count("```python"))
        folder = self.enterContext(tempfile.TemporaryDirectory())
        output = run_example("\n".join(code for _, code in examples), folder)
        self.assertEqual(output, "".join(OUTPUTS.values()))

    def test_what_is_named_exists(self):
        from ssdet_keras import evaluation

        names = re.findall(r"`((?:read|write)_\w+)`", self.text)
        self.assertEqual(len(names), 8)
        for name in names:
            self.assertTrue(hasattr(evaluation, name), name)
        for recipe in re.findall(r"recipes/\w+\.py", self.text):
            self.assertTrue((ROOT / recipe).exists())
