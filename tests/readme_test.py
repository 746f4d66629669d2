"""The examples of the README run as written."""

import pathlib
import re
import unittest

from examples import find_examples
from examples import run_example

README = pathlib.Path(__file__).resolve().parents[1] / "README.md"


class ReadmeTest(unittest.TestCase):
    def test_examples(self):
        text = README.read_text(encoding="utf-8")
        examples = find_examples(text)
        self.assertEqual(
            [name for name, _ in examples], ["tf.data", "torch", "model"]
        )
        for name, code in examples:
            with self.subTest(example=name):
                output = run_example(code)
                if name == "tf.data":
                    line = "(8, 16, 64, 64, 3) (8, 16, 400)\n"
                    self.assertEqual(output, 4 * line)
                if name == "torch":
                    self.assertEqual(output.count("16, 400"), 4)

    def test_files_that_are_named_exist(self):
        text = README.read_text(encoding="utf-8")
        root = README.parent
        names = re.findall(r"\]\(([\w/.]+)\)", text)
        names += re.findall(r"recipes/\w+\.py", text)
        self.assertGreater(len(names), 5)
        for name in names:
            with self.subTest(name=name):
                self.assertTrue((root / name).exists())
