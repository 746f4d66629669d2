"""The examples of the guide on heads run as written."""

import pathlib
import re
import unittest

from examples import find_examples
from examples import run_example

from ssdet_keras import models

GUIDE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "heads.md"


class HeadsGuideTest(unittest.TestCase):
    def test_examples(self):
        shapes = {
            "backbone": "(1, 8, 157)",
            "features": "(2, 40, 157)",
            "heat map": "(2, 32, 5)",
        }
        examples = find_examples(GUIDE.read_text(encoding="utf-8"))
        self.assertEqual([name for name, _ in examples], list(shapes))
        for name, code in examples:
            with self.subTest(name):
                self.assertIn(shapes[name], run_example(code))

    def test_numbers_of_parameters(self):
        heads = {
            "LinearHead": models.LinearHead(157),
            "SuperEventHead": models.SuperEventHead(157),
            "TGMHead": models.TGMHead(157),
            "TGMHead(super_events=True)": models.TGMHead(157, True),
            "PDANHead": models.PDANHead(157),
            "MSTCTHead": models.MSTCTHead(157),
        }
        rows = re.findall(
            r"^\| `(\w+Head.*?)` \|.*?\| ([\d,]+) \|",
            GUIDE.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        self.assertEqual([name for name, _ in rows], list(heads))
        for name, count in rows:
            heads[name].build((None, None, 1024))
            self.assertEqual(f"{heads[name].count_params():,}", count)
