"""The evaluation of files of predictions."""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
from run_recipe_cases import run_recipe_cases

from ssdet_keras import data
from ssdet_keras import evaluation

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPE = FOLDER.parents[1] / "recipes" / "evaluate.py"
NAMES = ["walk", "run", "jump, high"]
PROTOCOLS = [
    "charades_official",
    "charades_official_weighted",
    "charades_challenge",
    "charades_strided",
    "per_frame",
]


class EvaluateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        rows = ["id,actions,length"]
        rng = np.random.default_rng(0)
        for index in range(8):
            length = rng.uniform(5, 20)
            # Nobody jumps.
            first, last = sorted(rng.uniform(0, length, 2))
            actions = f"c000 {first} {last};c001 0 {first}"
            rows.append(f"V{index},{actions},{length}")
        cls.annotations = cls.root / "Charades_v1_test.csv"
        cls.annotations.write_text("\n".join(rows) + "\n")
        cls.class_names = cls.root / "classes.txt"
        cls.class_names.write_text("".join(f"{n}\n" for n in NAMES))
        cls.records = data.read_charades(cls.annotations, class_names=NAMES)
        members = []
        for name in "ab":
            scores = {}
            for record in cls.records:
                times = np.arange(int(10 * record.duration)) / 10
                noise = rng.normal(size=(len(times), 3))
                labels = data.labels_at(record, times, 3)
                scores[record.id] = 1 / (1 + np.exp(-noise - 2 * labels))
            members.append(
                evaluation.Predictions(scores, class_names=NAMES, fps=10)
            )
            evaluation.save_predictions(cls.root / f"{name}.npz", members[-1])
        cls.first, cls.second = members
        evaluation.write_scores_csv(cls.root / "b.csv.gz", cls.second)
        evaluation.write_charades_submission(
            cls.root / "b.txt",
            cls.second,
            {record.id: record.duration for record in cls.records},
        )

    def run_recipe(self, *arguments):
        return subprocess.run(
            [
                sys.executable,
                RECIPE,
                f"--annotations={self.annotations}",
                *map(str, arguments),
            ],
            capture_output=True,
            text=True,
            check=False,
        )

    def read_results(self, folder):
        return json.loads((folder / "results.json").read_text())

    def test_one_file(self):
        folder = self.root / "one"
        folder.mkdir()
        path = folder / "a.npz"
        path.write_bytes((self.root / "a.npz").read_bytes())
        result = self.run_recipe("--per_class", path)
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        expected = evaluation.charades(self.first, self.records)
        table = result.stdout.split("\n\n")[1].splitlines()
        self.assertEqual(table[0].split("classes")[1].split(), ["[1]"])
        for line, name in zip(table[1:], PROTOCOLS, strict=True):
            mean = f"{100 * expected[name].mean:.2f}"
            self.assertEqual(line.split(), [name, "2", "of", "3", mean])
        self.assertIn("jump, high", result.stdout)

        results = self.read_results(folder)
        self.assertEqual(list(results), PROTOCOLS)
        for name, found in results.items():
            self.assertEqual(found["mean"], expected[name].mean)
            per_class = dict(zip(NAMES, expected[name].per_class, strict=True))
            per_class["jump, high"] = None
            self.assertEqual(found["per_class"], per_class)
        with open(folder / "per_class.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["class"] for row in rows], NAMES)
        self.assertEqual(
            float(rows[0]["per_frame"]), expected["per_frame"].per_class[0]
        )

    def test_ensemble(self):
        files = {
            str(self.root / "a.npz"): self.first,
            str(self.root / "b.csv.gz"): self.second,
        }
        folder = self.root / "two"
        result = self.run_recipe(f"--output_dir={folder}", *files)
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        self.assertIn("[2] " + str(self.root / "b.csv.gz"), result.stdout)
        singles = {
            path: evaluation.charades(predictions, self.records)
            for path, predictions in files.items()
        }
        means = {
            f"mean of {mean}": evaluation.charades(
                evaluation.ensemble_predictions(files, mean), self.records
            )
            for mean in ("scores", "logits")
        }
        for name, found in self.read_results(folder).items():
            best = max(s[name].mean for s in singles.values())
            mean = means["mean of scores"][name].mean
            self.assertAlmostEqual(found["mean"], mean, places=12)
            self.assertAlmostEqual(found["gain"], mean - best, places=12)
            for expected, key in ((singles, "files"), (means, "ensembles")):
                self.assertEqual(list(found[key]), list(expected))
                for path, results in expected.items():
                    self.assertAlmostEqual(
                        found[key][path], results[name].mean, places=12
                    )
            line = next(
                line
                for line in result.stdout.splitlines()
                if line.startswith(f"{name} ")
            )
            self.assertIn(
                f"{100 * mean:.2f} ({100 * (mean - best):+.2f})", line
            )

    def test_mean_of_logits_is_saved(self):
        files = [self.root / "a.npz", self.root / "b.csv.gz"]
        folder = self.root / "fused"
        result = self.run_recipe(
            "--mean=logits", f"--output_dir={folder}", *files
        )
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        fused = evaluation.load_predictions(folder / "ensemble.npz")
        for video_id, scores in fused.items():
            rows = [x[video_id] for x in (self.first, self.second)]
            odds = np.prod([x / (1 - x) for x in rows], axis=0) ** 0.5
            np.testing.assert_allclose(scores, odds / (1 + odds), rtol=1e-4)
        expected = evaluation.charades(fused, self.records)
        for name, found in self.read_results(folder).items():
            self.assertAlmostEqual(found["mean"], expected[name].mean, places=6)
            self.assertAlmostEqual(
                found["ensembles"]["mean of logits"], found["mean"], places=12
            )

    def test_different_rows_and_scores_that_are_no_probabilities(self):
        logits = {v: np.log(x / (1 - x)) for v, x in self.first.items()}
        # One video less, and one that is not annotated.
        del logits["V0"]
        logits["stranger"] = np.zeros((3, 3))
        path = self.root / "logits.npz"
        evaluation.save_predictions(path, logits, fps=10)
        folder = self.root / "three"
        result = self.run_recipe(
            f"--output_dir={folder}",
            f"--class_names={self.class_names}",
            path,
            self.root / "b.txt",
        )
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        for message in (
            "1 of 8 annotated videos have no prediction and score -inf: V0",
            "1 of 8 predicted videos are not annotated and are ignored: stra",
            "No mean of logits: Scores must be in",
            "mean of scores: 1 of 9 videos are not in .*logits.npz",
        ):
            self.assertRegex(result.stderr, message)
        for found in self.read_results(folder).values():
            self.assertEqual(list(found["ensembles"]), ["mean of scores"])
            self.assertTrue(0 < found["mean"] < 1)

    def save(self, name, scores, **attributes):
        path = self.root / name
        evaluation.save_predictions(path, scores, **attributes)
        return path

    def test_errors(self):
        good = self.root / "a.npz"
        rows = np.full((25, 3), 0.5)
        nan = self.root / "nan.csv"
        nan.write_text("video,time,walk\nV0,,nan\n")
        twice = self.root / "twice.txt"
        twice.write_text("V0 1 0.5\nV0 1 0.5\n")
        damaged = self.root / "damaged.npz"
        damaged.write_bytes(good.read_bytes()[:-50])
        (self.root / "a.json").write_text("{}")
        order = ["run", "walk", "jump, high"]
        cases = [
            ([], "Name files of predictions, or set --model"),
            ([good, "--model=a.keras"], "or set --model"),
            ([good, good], "must differ"),
            ([good, good, "--mean=product"], "--mean=product"),
            ([good, self.root / "b.txt"], "Several files need --output_dir"),
            (["none.npz"], "Can't load none.npz: .*No such file"),
            ([self.root / "a.json"], ".npz, .csv, .txt .*a.json"),
            ([damaged], "Can't load .*damaged.npz"),
            ([nan], "Received: nan in .*nan.csv, line 2"),
            ([twice], "frame 1 of V0 again in .*twice.txt, line 2"),
            (
                [self.save("wide.npz", {"V0": np.zeros((25, 4))})],
                "wide.npz has 4 classes, .* have 157. .* with --class_names",
            ),
            (
                [self.save("train.npz", {"T0": rows}, class_names=NAMES)],
                "train.npz: .*predictions of T0, .* of V0, .*another split",
            ),
            (
                [good, "--split=train"],
                "holds one split. Received: split='train'",
            ),
            (
                [
                    self.save("order.npz", {"V0": rows}, class_names=order),
                    f"--class_names={self.class_names}",
                ],
                "order.npz: .*'run' is class 0 in the predictions, class 1 in",
            ),
            (
                [
                    good,
                    self.root / "order.npz",
                    f"--output_dir={self.root / 'errors'}",
                ],
                "'run' is class 0 in the predictions, class 1 in the annot",
            ),
            ([good, "--video_root=/nowhere"], "/nowhere"),
        ]
        messages = run_recipe_cases(
            RECIPE,
            [[f"--annotations={self.annotations}", *case] for case, _ in cases],
        )
        for (case, expected), message in zip(cases, messages, strict=True):
            with self.subTest(case=[str(a) for a in case]):
                self.assertRegex(str(message), expected)
