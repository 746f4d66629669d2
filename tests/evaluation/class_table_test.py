import csv
import pathlib
import tempfile

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import Result
from ssdet_keras.evaluation import format_class_table
from ssdet_keras.evaluation import write_class_table

NAMES = ("walk", "run, fast")


def make_results():
    return {
        name: Result.from_classes(name, per_class, counts, NAMES)
        for name, per_class, counts in (
            ("official", [0.8125, np.nan], [312, 0]),
            ("a_very_long_name_of_a_protocol", [1 / 3, 1.0], [2000, 4]),
        )
    }


class ClassTableTest(parameterized.TestCase):
    def test_write(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "table.csv"
            write_class_table(path, make_results())
            text = path.read_text(encoding="utf-8")
            rows = list(csv.reader(text.splitlines()))
        long = "a_very_long_name_of_a_protocol"
        self.assertEqual(
            rows,
            [
                [
                    "class",
                    "official",
                    "official_positives",
                    long,
                    f"{long}_positives",
                ],
                ["walk", "0.8125", "312", "0.3333333333333333", "2000"],
                ["run, fast", "", "0", "1.0", "4"],
            ],
        )

    def test_format(self):
        self.assertEqual(
            format_class_table(make_results()),
            "                   official  a_very_long_name_of_a_protocol\n"
            "walk        81.25 %     312                 33.33 %    2000\n"
            "run, fast         -       0                100.00 %       4\n"
            "mean        81.25 %                         66.67 %\n",
        )

    def test_invalid_results(self):
        other = Result.from_classes("other", [0.5], [1])
        for results in ({}, {**make_results(), "other": other}):
            with self.assertRaisesRegex(ValueError, "the same classes"):
                format_class_table(results)
            with self.assertRaisesRegex(ValueError, "the same classes"):
                write_class_table("never.csv", results)
        self.assertFalse(pathlib.Path("never.csv").exists())
