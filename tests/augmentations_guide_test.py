"""The examples of the guide run as written, and its pictures exist."""

import pathlib
import re
import tempfile
import unittest

import keras
from examples import find_examples
from examples import run_example

ROOT = pathlib.Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "augmentations.md"
# What each example prints.
OUTPUTS = {
    "call": "(8, 16, 32, 32, 3) (8, 16, 10)\n",
    "tf.data": 2 * "(8, 16, 32, 32, 3) uint8\n",
    "torch": 4 * "(8, 16, 32, 32, 3) (8, 16, 10)\n",
    "grain": 4 * "(8, 16, 32, 32, 3) (8, 16, 10)\n",
    "model": "0.0\n1.0\n",
    "transformation": "['length_1', 'length_2', 'partner', 'shift']\n",
    "manifold": "",
    "frames": "(4, 8, 32, 32, 3)\n",
}


class AugmentationsGuideTest(unittest.TestCase):
    def setUp(self):
        self.text = GUIDE.read_text(encoding="utf-8")

    def test_examples(self):
        examples = find_examples(self.text)
        self.assertEqual([name for name, _ in examples], list(OUTPUTS))
        self.assertEqual(len(examples), self.text.count("```python"))
        if keras.config.backend() != "torch":
            # Its workers are forked, which the other backends don't survive.
            examples = [e for e in examples if e[0] != "torch"]
        # In one process, as in a notebook. Keras takes seconds to start.
        code = "import torch\n"
        for name, example in examples:
            code += f"{example}\nprint('END {name}')\n"
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        output = run_example(code, folder.name)
        expected = "".join(
            f"{OUTPUTS[name]}END {name}\n" for name, _ in examples
        )
        self.assertEqual(output, expected)

    def test_what_is_linked_exists(self):
        links = re.findall(r"\]\(([^)]+)\)", self.text)
        for link in links:
            with self.subTest(link=link):
                if link.startswith("#"):
                    anchors = [
                        re.sub(r"[^\w\- ]", "", line.strip("# \n").lower())
                        for line in self.text.splitlines()
                        if line.startswith("#")
                    ]
                    anchors = [anchor.replace(" ", "-") for anchor in anchors]
                    self.assertIn(link[1:], anchors)
                elif not link.startswith("https://"):
                    self.assertTrue((GUIDE.parent / link).exists())
        for recipe in re.findall(r"recipes/\w+\.py", self.text):
            self.assertTrue((ROOT / recipe).exists())
