"""The example of the guide to flow runs, and what it names exists."""

import pathlib
import re
import tempfile
import unittest

from examples import find_examples
from examples import find_paths
from examples import run_example

ROOT = pathlib.Path(__file__).resolve().parents[1]


class FlowGuideTest(unittest.TestCase):
    def setUp(self):
        guide = ROOT / "docs" / "flow.md"
        self.text = guide.read_text(encoding="utf-8")

    def test_example(self):
        ((name, code),) = find_examples(self.text)
        self.assertEqual(name, "flow")
        self.assertEqual(self.text.count("```python"), 1)
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(
                run_example(code, folder),
                "20 (1, 96, 128, 2) [ 3. -1.]\n(20, 2)\n",
            )

    def test_what_is_named_exists(self):
        sources = "".join(
            path.read_text() for path in (ROOT / "recipes").glob("*.py")
        )
        for flag in re.findall(r"--(\w+)", self.text):
            with self.subTest(flag=flag):
                self.assertIn(f'"{flag}"', sources)
        for name in find_paths(self.text):
            with self.subTest(name=name):
                self.assertTrue((ROOT / name).exists())
