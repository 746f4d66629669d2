"""The flags of `reproduce.py`, and one table at a scale of nothing."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import keras
import pytest
from run_recipe_cases import run_recipe_cases

from ssdet_keras.recipes.reproduction_jobs import ReproductionJobs
from ssdet_keras.recipes.reproduction_scales import SCALES
from ssdet_keras.recipes.reproduction_tables import TABLES

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPE = FOLDER.parents[1] / "recipes" / "reproduce.py"


def run_recipe(*arguments):
    return subprocess.run(
        [sys.executable, str(RECIPE), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def make_jobs(table, root, scale, seeds):
    """Returns the jobs of a table."""
    (rows,) = (t.rows for t in TABLES if t.name == table)
    jobs = []
    for seed in seeds:
        maker = ReproductionJobs(scale, root, seed)
        for row in rows:
            row.make(maker)
        jobs += maker.jobs
    return jobs


class ReproduceFlagsTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )

    def test_messages(self):
        workdir = f"--workdir={self.root / 'run'}"
        there = self.root / "there"
        there.mkdir()
        names = ("kinetics", "charades", "multithumos", "initial_model")
        charades = [workdir, "--scale=paper", "--table=table_2b_slowfast"]
        paper = [*charades, "--table=table_3_pdan"]
        folders = [f"--{name}={there}" for name in names]
        # Of another command, in a folder of its own.
        record = self.root / "other" / "jobs" / "seed0" / "generate.json"
        record.parent.mkdir(parents=True)
        record.write_text(json.dumps({"command": "python recipes/x.py"}))
        cases = [
            ([workdir, "a"], r"Unexpected arguments: \['a'\]"),
            ([workdir, "--scale=desk"], "--scale=desk"),
            ([workdir, "--table=table_4"], "--table"),
            (
                [workdir, "--table=table_3_x3d"],
                "--table=table_3_x3d has the rows of other tables .* needs "
                "--scale=paper",
            ),
            ([workdir, "--factor=0"], "--factor=0"),
            ([workdir, "--num_processes=0"], "--num_processes=0"),
            (
                [*paper, *folders, "--factor=0.5"],
                "--factor: The numbers of steps of the paper have no factor",
            ),
            ([workdir, "--seeds=a"], "--seeds must be integers: .*'a'"),
            ([workdir, "--seeds=0,1.5"], "--seeds must be integers: .*'1.5'"),
            ([workdir, "--seeds="], r"--seeds must be different.*: \[\]"),
            (
                [workdir, "--seeds=1,0,1"],
                r"--seeds must be different integers from 0 upwards. "
                r"Received: \['1', '0', '1'\]",
            ),
            ([workdir, "--seeds=2,-1"], "--seeds must be different"),
            (
                [f"--workdir={self.root / 'other'}", "--seeds=0"],
                r"generate.json is of another command(.|\n)*"
                r"Recorded: python recipes/x.py",
            ),
        ]
        for index, name in enumerate(names):
            cases += [
                ([workdir, folders[index]], f"--{name} needs --scale=paper"),
                (
                    [*paper, *folders[:index], *folders[index + 1 :]],
                    f"--table=table_(2b_slowfast|3_pdan): needs --{name}",
                ),
                (
                    [*paper, *folders, f"--{name}=/nowhere"],
                    f"--{name} not found: /nowhere",
                ),
            ]
        # Which are not looked for, where nothing is run.
        nowhere = [f"--{name}=/nowhere" for name in names]
        # What no table reads is not asked for.
        unread = "--multithumos=/nowhere"
        valid = [
            [*paper, *nowhere, "--dry_run"],
            [*charades, *set(nowhere) - {unread}, "--dry_run"],
        ]
        messages = run_recipe_cases(
            RECIPE, [*(case for case, _ in cases), *valid]
        )
        for (case, expected), message in zip(cases, messages, strict=False):
            with self.subTest(case=case):
                self.assertIsNotNone(message)
                self.assertRegex(message, expected)
        self.assertEqual(messages[len(cases) :], [None, None])
        self.assertFalse((self.root / "run").exists())

    def test_dry_run(self):
        root = self.root / "run"
        result = run_recipe(
            f"--workdir={root}",
            "--seeds=3,5",
            "--table=table_2b_coarse_fine",
            "--factor=0.5",
            "--dry_run",
        )
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        scale = SCALES["laptop"](0.5)
        jobs = make_jobs("table_2b_coarse_fine", root, scale, [3, 5])
        self.assertGreater(len(jobs), 40)
        self.assertEqual(
            result.stdout,
            "".join(f"# {job.name}\n{job.text}\n\n" for job in jobs),
        )
        self.assertFalse(root.exists())


@pytest.mark.slow
@unittest.skipIf(
    keras.config.backend() != "torch",
    "Minutes of recipes that have tests of their own on every backend.",
)
class ReproduceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(
            cls.enterClassContext(tempfile.TemporaryDirectory())
        )
        cls.flags = [
            f"--workdir={cls.root}",
            "--factor=0.01",
            "--seeds=0",
            "--table=table_2b_slowfast",
            "--num_processes=2",
        ]
        cls.jobs = make_jobs(
            "table_2b_slowfast", cls.root, SCALES["laptop"](0.01), [0]
        )
        cls.result = run_recipe(*cls.flags)

    def read_records(self):
        return {
            job.name: json.loads(
                (self.root / "jobs" / f"{job.name}.json").read_text()
            )
            for job in self.jobs
        }

    def test_1_succeeds(self):
        output = self.result.stdout + self.result.stderr
        self.assertEqual(self.result.returncode, 0, output[-5000:])
        self.assertIn(f"{len(self.jobs)} jobs, 0 of which are done", output)
        self.assertNotIn("Failed", output)
        for job in self.jobs:
            self.assertTrue(job.result.exists(), job.name)
        for name, record in self.read_records().items():
            (job,) = (job for job in self.jobs if job.name == name)
            self.assertEqual(record["command"], job.text)
            self.assertGreater(record["seconds"], 0)

    def test_2_report_has_the_results(self):
        numbers = json.loads((self.root / "results.json").read_text())
        page = (self.root / "report.html").read_text(encoding="utf-8")
        markdown = (self.root / "report.md").read_text(encoding="utf-8")
        self.assertEqual(len(numbers), 2)
        for number, paper in zip(numbers, (20.31, 21.22), strict=True):
            self.assertEqual(number["paper"], paper)
            folder = self.root / number["job"].replace("evaluate_", "")
            results = json.loads((folder / "results.json").read_text())
            for protocol in ("charades_official", "per_frame"):
                mean = 100 * results[protocol]["mean"]
                self.assertAlmostEqual(number[protocol], mean)
                self.assertIn(f"{mean:.2f}", page)
                self.assertIn(f" {mean:.1f} |", markdown)
        self.assertIn("pretrain_kinetics.py", page)
        self.assertTrue((self.root / "results.png").exists())

    def test_3_second_call_runs_nothing(self):
        before = self.read_records()
        result = run_recipe(*self.flags)
        self.assertEqual(result.returncode, 0, result.stderr[-5000:])
        count = len(self.jobs)
        self.assertIn(f"{count} jobs, {count} of which are done", result.stderr)
        self.assertEqual(self.read_records(), before)


if __name__ == "__main__":
    unittest.main()
