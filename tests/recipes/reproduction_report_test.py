"""Tables of results that are written by hand."""

import json
import math
import pathlib
import tempfile
import unittest

import numpy as np
from absl.testing import parameterized

from ssdet_keras.recipes import reproduction_report
from ssdet_keras.recipes.job_runner import Job
from ssdet_keras.recipes.job_runner import JobRunner
from ssdet_keras.recipes.reproduction_report import RowResults
from ssdet_keras.recipes.reproduction_tables import Row
from ssdet_keras.recipes.reproduction_tables import Table

SEEDS = [0, 3, 4]
TABLE = Table(
    "a_table",
    "Table 9: a <title>",
    "per_frame",
    (
        Row("First", None, 17.28),
        Row("Second", None, 18.79),
        Row("Third", None),
    ),
)
# Of each row, by protocol, of each seed: 95 % intervals of three values are
# 2.484 standard deviations.
MEANS = {
    "First": {
        "charades_official": [0.2, 0.2, 0.2],
        "per_frame": [0.1, 0.11, 0.12],
    },
    "Second": {
        "charades_official": [0.21, 0.23, 0.25],
        "per_frame": [0.13, 0.15, 0.14],
    },
    "Third": {
        "charades_official": [0.3, 0.2, 0.1],
        "per_frame": [0.1, 0.1, 0.1],
    },
}
UNCERTAIN = "not in the paper; can't be told from zero"
CELLS = [
    ["First", "17.28", "", "20.0 ± 0.0", "11.0 ± 2.5", "", ""],
    [
        *("Second", "18.79", "+1.51"),
        *("23.0 ± 5.0", "14.0 ± 2.5", "+3.0 ± 2.5", "yes"),
    ],
    [
        *("Third", "", ""),
        *("20.0 ± 24.8", "10.0 ± 0.0", "-1.0 ± 2.5", UNCERTAIN),
    ],
]


class ReportTestCase(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        self.runner = JobRunner(self.root / "jobs")
        self.evaluations = {}

    def write_results(self, table=TABLE, means=MEANS, seeds=SEEDS):
        """Writes results.json of every row and seed unless it is `None`."""
        for row in table.rows:
            for index, seed in enumerate(seeds):
                name = f"seed{seed}/evaluate_{row.title}"
                result = self.root / f"{row.title}_{seed}" / "results.json"
                job = Job(name, ("evaluate.py", "--x=1"), result)
                self.evaluations[table.name, row.title, seed] = job
                values = {
                    protocol: {"mean": numbers[index], "per_class": {}}
                    for protocol, numbers in means[row.title].items()
                    if numbers[index] is not None
                }
                result.parent.mkdir()
                if values:
                    result.write_text(json.dumps(values))
                    record = {
                        "command": job.text,
                        "commit": f"commit{seed}",
                        "backend": "jax",
                        "device": "a <GPU>",
                        "seconds": 1.5,
                    }
                    path = self.runner.record_path(job)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(json.dumps(record))

    def collect(self, table=TABLE, seeds=SEEDS):
        return reproduction_report.collect(table, seeds, self.evaluations)

    def cells(self, table=TABLE, seeds=SEEDS):
        return [
            reproduction_report.format_row(row)
            for row in self.collect(table, seeds)
        ]


class CellsTest(ReportTestCase):
    def test_three_seeds(self):
        self.write_results()
        self.assertEqual(self.cells(), CELLS)

    def test_gains_are_by_the_protocol_of_the_table(self):
        table = Table("a_table", "", "charades_official", TABLE.rows)
        self.write_results()
        rows = self.collect(table)
        np.testing.assert_array_equal(rows[0].gains, [math.nan] * 3)
        np.testing.assert_allclose(rows[1].gains, [1, 3, 5])
        np.testing.assert_allclose(rows[2].gains, [10, 0, -10], atol=1e-9)
        self.assertIsNone(rows[0].paper_gain)
        self.assertAlmostEqual(rows[1].paper_gain, 1.51)
        self.assertIsNone(rows[2].paper_gain)

    def test_gains_are_paired(self):
        means = {
            "First": {"per_frame": [0.1, 0.2, 0.3]},
            "Second": {"per_frame": [0.11, 0.21, 0.31]},
            "Third": {"per_frame": [0.09, 0.19, 0.29]},
        }
        self.write_results(means=means)
        cells = self.cells()
        self.assertEqual(
            cells[1][3:], ["-", "21.0 ± 24.8", "+1.0 ± 0.0", "yes"]
        )
        self.assertEqual(
            cells[2][5:], ["-1.0 ± 0.0", "not in the paper; loses"]
        )

    def test_one_seed(self):
        self.write_results(seeds=[5])
        self.assertEqual(
            [row[3:] for row in self.cells(seeds=[5])],
            [
                ["20.0", "10.0", "", ""],
                ["21.0", "13.0", "+3.0", "can't be told from zero"],
                ["30.0", "10.0", "+0.0", UNCERTAIN],
            ],
        )

    def test_missing_results(self):
        means = {
            "First": {
                "charades_official": [0.2, 0.3, None],
                "per_frame": [0.1, 0.11, None],
            },
            "Second": {"per_frame": [None, 0.13, 0.14]},
            "Third": {"per_frame": [None] * 3},
        }
        self.write_results(means=means)
        self.assertEqual(
            self.cells(),
            [
                [
                    *CELLS[0][:3],
                    *("25.0 ± 63.5 (1 missing)", "10.5 ± 6.4 (1 missing)"),
                    *("", ""),
                ],
                # One seed has both.
                [
                    *CELLS[1][:3],
                    *("-", "13.5 ± 6.4 (1 missing)", "+2.0 (2 missing)"),
                    "can't be told from zero",
                ],
                ["Third", "", "", "-", "-", "", ""],
            ],
        )

    def test_missing_first_row(self):
        means = {**MEANS, "First": {"per_frame": [None] * 3}}
        self.write_results(means=means)
        cells = self.cells()
        self.assertEqual(cells[0], ["First", "17.28", "", "-", "-", "", ""])
        self.assertEqual(cells[1], [*CELLS[1][:5], "", ""])

    def test_multithumos(self):
        path = self.root / "results.json"
        path.write_text(json.dumps({"multithumos_per_frame": {"mean": 0.4}}))
        scores = reproduction_report.read_scores(path)
        self.assertEqual(scores["per_frame"], 40)
        self.assertTrue(math.isnan(scores["charades_official"]))

    @parameterized.parameters(
        ([math.nan] * 3, 1.0, ""),
        ([math.nan] * 3, None, ""),
        ([], None, ""),
        ([1, 2, 3], 1.0, "can't be told from zero"),
        ([-1, -2, -3], -1.0, "can't be told from zero"),
        ([-1, -2, -3], 1.0, "can't be told from zero"),
        ([1, 2, 3], -1.0, "can't be told from zero"),
        ([2, 2, 3], 1.0, "yes"),
        ([-2, -2, -3], -1.0, "yes"),
        ([-2, -2, -3], 1.0, "no"),
        ([2, 2, 3], -1.0, "no"),
        ([5], 1.0, "can't be told from zero"),
        ([-5, math.nan], 1.0, "can't be told from zero"),
        ([2, 2, 3], None, "not in the paper; gains"),
        ([-2, -2, -3], None, "not in the paper; loses"),
        ([1, 2, 3], None, UNCERTAIN),
        ([5], None, UNCERTAIN),
    )
    def test_direction(self, gains, paper_gain, expected):
        # Of 1, 2, 3 the interval is 2 ± 2.5; of 2, 2, 3 it is 2.3 ± 1.4.
        results = RowResults(None, {}, np.array(gains, float), paper_gain)
        self.assertEqual(results.direction, expected)


class WriteReportTest(ReportTestCase):
    def write(self, is_generated=False):
        reproduction_report.write_report(
            self.root,
            [TABLE],
            SEEDS,
            self.evaluations,
            self.runner,
            ["python recipes/a.py --b='<c>'", "python recipes/d.py"],
            is_generated,
        )
        return (self.root / "report.html").read_text(encoding="utf-8")

    def read_numbers(self):
        def refuse(constant):
            raise AssertionError(constant)

        text = (self.root / "results.json").read_text(encoding="utf-8")
        return json.loads(text, parse_constant=refuse)

    def test_files(self):
        self.write_results()
        page = self.write()
        for row in CELLS:
            for cell in row:
                self.assertIn(cell.replace("'", "&#x27;"), page)
        self.assertIn("Table 9: a &lt;title&gt;", page)
        self.assertIn("python recipes/a.py --b=&#x27;&lt;c&gt;&#x27;", page)
        self.assertIn("python recipes/d.py", page)
        self.assertEqual(page.count("data:image/png;base64"), 1)
        self.assertIn("Device: a &lt;GPU&gt;.", page)
        picture = (self.root / "results.png").read_bytes()
        self.assertEqual(picture[:8], b"\x89PNG\r\n\x1a\n")

        markdown = (self.root / "report.md").read_text(encoding="utf-8")
        self.assertTrue(
            markdown.startswith(
                "Backend: jax. Device: a <GPU>. Commit: commit0, commit3, "
                "commit4. Seeds: 0, 3, 4.\n\n"
            )
        )
        lines = markdown.splitlines()
        place = lines.index("### Table 9: a <title>")
        self.assertEqual(
            lines[place + 2],
            "| Row | Paper, mAP | Paper, gain | 25 frames, mAP | "
            "Per frame, mAP | Gain | As in the paper |",
        )
        self.assertEqual(lines[place + 3].count("|"), 8)
        self.assertEqual(
            lines[place + 4 :], [f"| {' | '.join(row)} |" for row in CELLS]
        )

    def test_origin_is_that_of_all_that_is_needed(self):
        self.write_results()
        for seed, commit in ((0, "commit9"), (3, "commit3")):
            name = f"seed{seed}/train"
            training = Job(name, (), self.root / "model.json")
            path = self.runner.record_path(training)
            path.write_text(
                json.dumps(
                    {"commit": commit, "backend": "torch", "device": "a CPU"}
                )
            )
            evaluation = self.evaluations["a_table", "First", seed]
            middle = Job("none", (), self.root / "none", (training,))
            self.evaluations["a_table", "First", seed] = Job(
                evaluation.name,
                evaluation.command,
                evaluation.result,
                (middle,),
            )
        self.write()
        markdown = (self.root / "report.md").read_text(encoding="utf-8")
        self.assertEqual(
            markdown.splitlines()[0],
            "Backend: jax, torch. Device: a <GPU>, a CPU. Commit: commit0, "
            "commit3, commit4, commit9. Seeds: 0, 3, 4.",
        )

    def test_every_number_says_where_it_is_from(self):
        self.write_results()
        self.write()
        numbers = self.read_numbers()
        self.assertEqual(len(numbers), 9)
        number = numbers[4]
        self.assertAlmostEqual(number.pop("charades_official"), 23)
        self.assertAlmostEqual(number.pop("per_frame"), 15)
        self.assertEqual(
            number,
            {
                "table": "a_table",
                "row": "Second",
                "paper": 18.79,
                "seed": 3,
                "job": "seed3/evaluate_Second",
                "command": "python recipes/evaluate.py --x=1",
                "commit": "commit3",
                "backend": "jax",
                "device": "a <GPU>",
                "seconds": 1.5,
            },
        )

    def test_says_that_videos_are_generated(self):
        self.write_results()
        for is_generated in (False, True):
            texts = [self.write(is_generated)]
            texts.append((self.root / "report.md").read_text(encoding="utf-8"))
            for text in texts:
                self.assertEqual(
                    text.count("The videos are generated:"), is_generated
                )

    def test_missing_results(self):
        means = {**MEANS, "Second": {"per_frame": [None, 0.2, 0.2]}}
        self.write_results(means=means)
        page = self.write()
        self.assertEqual(page.count(">nan<"), 0)
        number = self.read_numbers()[3]
        self.assertEqual(
            number,
            {
                "table": "a_table",
                "row": "Second",
                "paper": 18.79,
                "seed": 0,
                "charades_official": None,
                "per_frame": None,
                "job": "seed0/evaluate_Second",
            },
        )

    def test_nothing_has_a_result(self):
        nothing = {row.title: {"per_frame": [None] * 3} for row in TABLE.rows}
        self.write_results(means=nothing)
        self.write()
        self.assertEqual(
            {number["per_frame"] for number in self.read_numbers()}, {None}
        )
        self.assertTrue((self.root / "results.png").exists())


if __name__ == "__main__":
    unittest.main()
