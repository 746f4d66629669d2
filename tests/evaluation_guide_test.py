"""The examples of the guide run as written, and its links exist."""

import pathlib
import re
import tempfile
import unittest

from examples import find_examples
from examples import run_example

ROOT = pathlib.Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "evaluation.md"
# What each example prints, as a regular expression.
OUTPUTS = {
    "data": "",
    "protocols": r"charades_official: mAP 47.07 % \(2 of 3 classes\)\n"
    r"(charades\w+: mAP .*\n){3}per_frame: mAP 51.60 %.*\n"
    r"multithumos_per_frame: mAP 51.60 % \(2 of 3 classes\) \('jump',\)\n",
    "arrays": r"\[0.83333333\]\n",
    "classes": None,
    "segments": r"(thumos_tiou_(0.[12]0|average): mAP .*\n){3}",
    "conditional": r"action_conditional, window 0: .*\n0\.\d+\n",
    "calibration": r"calibration: expected error .* \(5 bins\)\n(.*\n)+",
    "metric": "2\n",
}


class EvaluationGuideTest(unittest.TestCase):
    def setUp(self):
        self.text = GUIDE.read_text(encoding="utf-8")

    def test_examples(self):
        examples = find_examples(self.text)
        self.assertEqual([name for name, _ in examples], list(OUTPUTS))
        self.assertEqual(len(examples), self.text.count("```python"))
        # In one process, as in a notebook.
        code = "".join(
            f"{example}\nprint('END {name}')\n" for name, example in examples
        )
        with tempfile.TemporaryDirectory() as folder:
            output = run_example(code, folder)
        outputs = re.split(r"END \S+\n", output)
        # The guide shows the output of this one.
        table = re.search(r"\n```\n( .+?)```", self.text, re.DOTALL)[1]
        for (name, expected), output in zip(
            OUTPUTS.items(), outputs, strict=False
        ):
            with self.subTest(example=name):
                if expected is None:
                    self.assertEqual(output, table)
                else:
                    self.assertRegex(output, f"^{expected}$")

    def test_what_is_linked_exists(self):
        for link in re.findall(r"\]\(([^)]+)\)", self.text):
            if not link.startswith("https://"):
                with self.subTest(link=link):
                    self.assertTrue((GUIDE.parent / link).exists())
