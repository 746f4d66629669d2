"""Flags of `generate_dataset.py` that one data set has and not the other."""

import json
import pathlib
import tempfile
import unittest

from run_recipe_cases import run_recipe_cases

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPE = FOLDER.parents[1] / "recipes" / "generate_dataset.py"
SMALL = [
    "--size=16",
    "--num_kinetics_train=2",
    "--num_kinetics_val=0",
    "--kinetics_duration=1",
    "--num_charades_train=1",
    "--num_charades_test=0",
    "--min_charades_duration=2",
    "--max_charades_duration=2",
    "--num_processes=1",
    "--motions=rising,falling",
]


class GenerateDatasetTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(
            cls.enterClassContext(tempfile.TemporaryDirectory())
        )
        cases = {
            "default": [],
            "own": [
                "--charades_motions=falling,hopping,rocking",
                "--distractor_motions=rising,spinning",
            ],
            "a_class": ["--distractor_motions=falling"],
            "own_class": [
                "--charades_motions=spinning,hopping",
                "--distractor_motions=hopping",
            ],
        }
        cls.messages = dict(
            zip(
                cases,
                run_recipe_cases(
                    RECIPE,
                    [
                        [*SMALL, *flags, f"--output_dir={cls.root / name}"]
                        for name, flags in cases.items()
                    ],
                ),
                strict=True,
            )
        )

    def read(self, name):
        """Returns the classes of both data sets, and the distractors."""
        folder = self.root / name
        kinetics = folder / "kinetics" / "classes.txt"
        charades = folder / "charades" / "Charades_v1_classes.txt"
        settings = json.loads(
            (folder / "charades" / "settings.json").read_text()
        )
        return (
            [name.lower() for name in kinetics.read_text().split("\n") if name],
            [
                name.partition(" ")[2].lower()
                for name in charades.read_text().split("\n")
                if name
            ],
            settings.get("distractor_motions", []),
        )

    def test_default(self):
        self.assertIsNone(self.messages["default"])
        motions = ["rising", "falling"]
        self.assertEqual(self.read("default"), (motions, motions, []))

    def test_motions_of_charades(self):
        self.assertIsNone(self.messages["own"])
        self.assertEqual(
            self.read("own"),
            (
                ["rising", "falling"],
                ["falling", "hopping", "rocking"],
                ["rising", "spinning"],
            ),
        )

    def test_distractors_are_no_classes(self):
        for name, distractor in (
            ("a_class", "falling"),
            ("own_class", "hopping"),
        ):
            self.assertRegex(
                self.messages[name],
                "`distractor_motions` must be .* none of `motions`. Received: "
                rf"distractor_motions=\('{distractor}',\)",
            )
            self.assertFalse((self.root / name / "charades").exists())


if __name__ == "__main__":
    unittest.main()
