"""Tables of two runs whose numbers are written by hand."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import keras
from run_recipe_cases import run_recipe_cases

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes" / "compare_reproductions.py"
SEEDS = (3, 4, 5)
FIRST, SECOND = "Fine-tunings of classification", "Freeze, MixUp and CutMix"
# 95 % intervals of three values are 2.484 standard deviations.
TORCH = {FIRST: (40, 41, 42), SECOND: (44, 46, 45)}
TENSORFLOW = {FIRST: (41, 41, 41), SECOND: (42, 43, 44)}
TABLE = """\
### Ensembles of three, Charades

| Row | one, mAP | two, mAP | one, gain | two, gain | Difference \
| Gain of both |  |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
| Fine-tunings of classification | 41.0 ± 2.5 | 41.0 ± 0.0 |  |  \
| +0.0 ± 2.5 |  | can't be told apart |
| Freeze, MixUp and CutMix | 45.0 ± 2.5 | 43.0 ± 2.5 | +4.0 ± 2.5 | +2.0 ± 2.5 \
| -2.0 ± 4.3 | +3.0 ± 1.2 | can't be told apart |
"""


@unittest.skipIf(
    keras.config.backend() != "torch", "Once is enough: nothing is trained."
)
class CompareReproductionsTest(unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )

    def write(self, name, rows, backend, seeds=SEEDS, table="ensembles"):
        """Writes the numbers of a run, and returns the flag that names it."""
        numbers = [
            {
                "table": table,
                "row": row,
                "seed": seed,
                # Of the other protocol, which must not be read.
                "charades_official": 77.0,
                "per_frame": value,
                "backend": backend,
                "device": "a CPU",
                "commit": "abc",
            }
            for row, values in rows.items()
            for seed, value in zip(seeds, values, strict=True)
        ]
        path = self.root / name / "results.json"
        path.parent.mkdir()
        path.write_text(json.dumps(numbers))
        return f"--reproduction={path.parent}"

    def run_recipe(self, *flags):
        return subprocess.run(
            [sys.executable, RECIPE, *flags],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def test_two_runs(self):
        printed = self.run_recipe(
            self.write("one", TORCH, "torch"),
            self.write("two", TENSORFLOW, "tensorflow"),
        )
        self.assertEqual(
            printed,
            "Seeds 3, 4, 5.\n\none: torch; a CPU; abc.\n\n"
            f"two: tensorflow; a CPU; abc.\n\n{TABLE}",
        )

    def test_runs_that_differ(self):
        # The gains of the second run are 2, 3 and 2 less.
        other = {FIRST: TORCH[FIRST], SECOND: (42, 43, 43)}
        printed = self.run_recipe(
            self.write("one", TORCH, "torch"),
            self.write("two", other, "jax"),
        )
        row = next(x for x in printed.splitlines() if x.startswith("| Freeze"))
        self.assertEqual(
            row.split(" | ")[-3:],
            ["-2.3 ± 1.4", "+2.8 ± 1.9", "differs |"],
        )

    def test_missing_numbers(self):
        # A failed job, and a row that one of the runs has.
        other = {FIRST: (40, None, 44), "Another": (1, 2, 3)}
        printed = self.run_recipe(
            self.write("one", TORCH, "torch"),
            self.write("two", other, "torch"),
        )
        self.assertIn("| 42.0 ± 25.4 (1 missing) |", printed)
        self.assertIn("| +1.0 ± 12.7 (1 missing) |", printed)
        self.assertNotIn("Another", printed)
        self.assertNotIn("| Freeze", printed)

    def test_messages(self):
        one = self.write("one", TORCH, "torch")
        two = self.write("two", TENSORFLOW, "torch")
        seeds = self.write("seeds", TORCH, "torch", seeds=(3, 4, 6))
        empty = f"--reproduction={self.root}"
        for message, expected in zip(
            run_recipe_cases(
                RECIPE,
                [[], [one], [one, two, one], [one, empty], [one, seeds]],
            ),
            (
                "--reproduction",
                "--reproduction must be two. Received: ",
                "--reproduction must be two. Received: ",
                f"no results.json, which reproduce.py writes at its end: "
                f"{self.root}",
                "same seeds, which are paired. Received: [3, 4, 5] and "
                "[3, 4, 6]",
            ),
            strict=True,
        ):
            with self.subTest(expected):
                self.assertIn(expected, message)


if __name__ == "__main__":
    unittest.main()
