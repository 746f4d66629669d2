"""The table of the documentation is what the code prints."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import keras
from run_recipe_cases import run_recipe_cases

from ssdet_keras import models

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
RECIPE = ROOT / "recipes" / "model_summary.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, RECIPE, *arguments],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def read_table(text):
    """Returns the cells of the rows of a table, without its header."""
    rows = [row for row in text.splitlines() if row.startswith("| ")]
    return [[cell.strip() for cell in r.split("|")[1:-1]] for r in rows[2:]]


@unittest.skipIf(
    keras.config.backend() != "torch", "Once is enough: nothing is run."
)
class ModelSummaryTest(unittest.TestCase):
    def test_variants_agree_with_the_publication_and_the_documentation(self):
        printed = run()
        rows = read_table(printed)
        self.assertEqual(
            [row[:3] for row in rows],
            [
                ["xs", "4 x 160 x 160", "3,794,274"],
                ["s", "13 x 160 x 160", "3,794,274"],
                ["m", "16 x 224 x 224", "3,794,274"],
                ["l", "16 x 312 x 312", "6,153,384"],
                ["xl", "16 x 312 x 312", "11,095,840"],
            ],
        )
        for variant, _, _, kernels, published, adds, published_adds, *_ in rows:
            with self.subTest(variant=variant):
                self.assertEqual(kernels, published)
                self.assertAlmostEqual(
                    float(adds), float(published_adds), delta=0.0055
                )
        docs = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
        self.assertIn(printed.split("\n\n")[0], docs)

    def test_parts_of_a_saved_model(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = pathlib.Path(folder) / "model.keras"
        backbone = models.X3DBackbone("s", width=0.25, depth=0.1)
        models.FrameDetector(backbone, 5).save(path)
        rows = read_table(run(f"--checkpoint={path}", "--frames=7"))
        self.assertEqual(rows[0][0], "stem")
        self.assertEqual(rows[0][1], "7 x 80 x 80 x 8")
        # 7 x 80 x 80 x 8 outputs of 27 and of 5 products each.
        self.assertEqual(rows[0][2:], ["272", "11.5", "0.717", "5 x 3 x 3"])
        self.assertEqual(rows[-1][:2], ["total", "7 x 5"])

    def test_model_of_a_variant(self):
        rows = read_table(
            run("--variant=xs", "--model=backbone", "--height=64", "--width=32")
        )
        self.assertEqual(rows[-1][:2], ["total", "4 x 2 x 1 x 432"])
        self.assertEqual(rows[-1][2], f"{3_794_274 - 432 * 2048 - 819_600:,}")

    def test_two_streams(self):
        rows = read_table(
            run(
                "--variant=m",
                "--model=slowfast",
                "--num_classes=157",
                "--frames=64",
            )
        )
        self.assertEqual(rows[0][0], "fast stem")
        self.assertEqual(
            rows[-1][:4], ["total", "64 x 157", "6,936,174", "26,981.8"]
        )

    def test_messages(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        broken = folder / "broken.keras"
        broken.write_bytes(b"no model")
        other = folder / "other.keras"
        videos = keras.Input((None, None, None, 3))
        keras.Model(videos, videos * 2).save(other)
        sizes = ["--frames=4", "--height=32", "--width=32"]
        cases = [
            (["--variant=xxl"], "--variant.*xxl"),
            (["--frames=0"], "frames"),
            (["more"], "Unexpected arguments.*more"),
            (["--variant=m", f"--checkpoint={other}"], "Set one of"),
            (["--checkpoint=none.keras"], "--checkpoint=none.keras"),
            ([f"--checkpoint={broken}"], "Can't load .*broken.keras"),
            ([f"--checkpoint={other}"], "set --frames, --height and --width"),
            (
                [f"--checkpoint={other}", *sizes],
                "must be a backbone of this package",
            ),
        ]
        messages = run_recipe_cases(RECIPE, [case for case, _ in cases])
        for (case, expected), message in zip(cases, messages, strict=True):
            with self.subTest(case=case):
                self.assertRegex(message or "", expected)
