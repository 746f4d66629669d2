"""The report on training runs, with whatever they have left."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy as np

from ssdet_keras import data
from ssdet_keras import evaluation
from ssdet_keras.data import generate

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPE = FOLDER.parents[1] / "recipes" / "report.py"
NAMES = ["Circling", "Spinning", "Rocking"]


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.data = pathlib.Path(folder.name)
        generate.generate_charades(
            cls.data,
            num_train=1,
            num_test=5,
            size=16,
            min_duration=4,
            max_duration=6,
            motions=[name.lower() for name in NAMES],
            verbose=False,
        )
        charades = cls.data / "charades"
        cls.annotations = [
            f"--annotations={charades / 'Charades_v1_test.csv'}",
            f"--video_root={charades / 'Charades_v1_480'}",
        ]
        cls.records = data.read_charades(
            charades / "Charades_v1_test.csv",
            charades / "Charades_v1_480",
            class_names=NAMES,
        )

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def make_run(self, name, noise=None, **description):
        """Writes the folder of a run, with scores if there is a `noise`."""
        run = self.root / name
        run.mkdir(parents=True)
        (run / "flags.txt").write_text(
            f"--workdir={run}\n--initial_model={name}.keras\n--seed=0\n"
        )
        (run / "log.csv").write_text("epoch,loss\n0,0.5\n1,0.25\n")
        (run / "failures.txt").write_text("")
        description = {
            "task": "detection",
            "dataset": "charades",
            "class_names": NAMES,
            **description,
        }
        (run / "model.json").write_text(json.dumps(description))
        if noise is not None:
            self.evaluate(run, noise)
        return run

    def evaluate(self, run, noise):
        """Writes scores, from perfect ones to noise, and their results."""
        rng = np.random.default_rng(0)
        scores = {}
        for record in self.records:
            times = np.arange(50) / 50 * record.duration
            labels = data.labels_at(record, times, len(NAMES))
            random = rng.random(labels.shape)
            scores[record.id] = (1 - noise) * labels + noise * random
        evaluation.save_predictions(
            run / "predictions.npz", scores, class_names=NAMES
        )
        results = {
            name: {
                "mean": result.mean,
                "per_class": {
                    class_name: value
                    for class_name, _, value in result.to_rows()
                },
            }
            for name, result in evaluation.charades(
                scores, self.records
            ).items()
        }
        (run / "results.json").write_text(json.dumps(results))

    def call(self, *cases):
        """Returns the message that each call of the recipe ended with."""
        result = subprocess.run(
            [sys.executable, FOLDER / "recipe_cases.py", RECIPE],
            input=json.dumps([[str(x) for x in case] for case in cases]),
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertIn("MESSAGES", result.stdout, result.stderr[-3000:])
        return json.loads(result.stdout.split("MESSAGES")[1])

    def report(self, *arguments):
        """Returns the page, and the names of the pictures."""
        output = self.root / "report"
        (message,) = self.call([*arguments, f"--output_dir={output}"])
        self.assertIsNone(message)
        page = (output / "index.html").read_text(encoding="utf-8")
        pictures = sorted(path.name for path in output.glob("*.png"))
        self.assertEqual(page.count("data:image/png"), len(pictures))
        return page, pictures

    def test_whole_runs(self):
        runs = [self.make_run("before", 0.9), self.make_run("after", 0.5)]
        page, pictures = self.report(*runs, *self.annotations)
        self.assertEqual(
            pictures,
            [
                "class_gains_0.png",
                "training_loss_0.png",
                *(f"video_0000{place}.png" for place in (1, 2, 4, 5)),
            ],
        )
        self.assertIn("<h1>before and after</h1>", page)
        for text in (
            "<td>before.keras</td><td>after.keras</td>",
            ">0.2500<",
            "after compared with before, charades_official: of 3 classes, ",
            "Loss (detection, charades), by epoch.",
            "Segments: how often",
            "5 of 5 videos, sorted by the mean",
            "place 1 of 5: ",
            "place 5 of 5: ",
            *NAMES,
        ):
            self.assertIn(text, page)
        # Settings that are the same, or always differ, are not shown.
        self.assertNotIn("<td>seed</td>", page)
        self.assertNotIn("<td>workdir</td>", page)
        self.assertNotIn("There is no", page)
        # The numbers are those of the runs.
        means = [
            {
                name: 100 * result["mean"]
                for name, result in json.loads(
                    (run / "results.json").read_text()
                ).items()
            }
            for run in runs
        ]
        for protocol, mean in means[0].items():
            gain = means[1][protocol] - mean
            self.assertIn(
                f'<td>{protocol}</td><td class="number">{mean:.2f}</td>'
                f'<td class="number">{means[1][protocol]:.2f} (+{gain:.2f})'
                "</td>",
                page,
            )
        for run in runs:
            scores = evaluation.load_predictions(run / "predictions.npz")
            precision = evaluation.video_precision(scores, self.records)
            for value in precision.values():
                self.assertIn(f">{100 * value:.1f}<", page)

    def test_parts_of_runs(self):
        bare = self.root / "bare"
        bare.mkdir()
        (bare / "flags.txt").write_text("--seed=1\n")
        only_scores = self.root / "only_scores"
        only_scores.mkdir()
        self.evaluate(only_scores, 0.5)
        (only_scores / "results.json").unlink()
        trained = self.make_run("trained")
        page, pictures = self.report(bare, trained, only_scores)
        self.assertEqual(pictures, ["training_loss_0.png"])
        for text in (
            "There is no model.json of bare, only_scores: ",
            "There is no results.json of bare, trained, only_scores: ",
            "There is no log.csv of bare, only_scores: ",
            "Set --annotations to see videos.",
            "<h1>3 training runs</h1>",
        ):
            self.assertIn(text, page)
        # With annotations, scores are enough for videos.
        shutil.rmtree(self.root / "report")
        # Their frames are not needed.
        page, pictures = self.report(
            bare, trained, only_scores, self.annotations[0]
        )
        self.assertEqual(len(pictures), 5)
        self.assertIn("There is no predictions.npz of bare, trained: ", page)

    def test_one_run(self):
        page, pictures = self.report(self.make_run("run", 0.5))
        self.assertEqual(pictures, ["training_loss_0.png"])
        self.assertNotIn("Gains and losses", page)
        self.assertIn("charades_official", page)

    def test_other_tasks_have_other_figures(self):
        runs = [
            self.make_run("a", task="classification", class_names=["walk"]),
            self.make_run("b"),
            self.make_run("c/b"),
        ]
        page, pictures = self.report(*runs)
        self.assertEqual(
            pictures, ["training_loss_0.png", "training_loss_1.png"]
        )
        self.assertIn("different tasks", page)
        # Folders of one name are told apart by their paths.
        self.assertIn(str(runs[2]), page)

    def test_runs_of_other_videos(self):
        runs = []
        for record in self.records[:2]:
            runs.append(self.make_run(record.id))
            evaluation.save_predictions(
                runs[-1] / "predictions.npz",
                {record.id: np.full((50, 3), 0.5)},
                class_names=NAMES,
            )
        page, pictures = self.report(*runs, self.annotations[0])
        self.assertEqual(pictures, ["training_loss_0.png"])
        self.assertIn("predictions of no common video", page)

    def test_annotations_without_durations(self):
        run = self.root / "run"
        run.mkdir()
        # One row per second: the prediction tells how long videos are.
        evaluation.save_predictions(
            run / "predictions.npz",
            {"video_test_1": np.full((20, 1), 0.5)},
            class_names=["Circling"],
            fps={"video_test_1": 1.0},
        )
        folder = self.root / "annotations"
        folder.mkdir()
        (folder / "Circling.txt").write_text("video_test_1 2.5 5.5\n")
        page, pictures = self.report(
            run, f"--annotations={folder}", "--dataset=multithumos"
        )
        self.assertEqual(pictures, ["video_00001.png"])
        # Ranks 4 to 6 of equal scores.
        precision = (1 / 4 + 2 / 5 + 3 / 6) / 3
        self.assertIn(f">{100 * precision:.1f}<", page)

    def test_video_that_cannot_be_read(self):
        runs = [self.make_run("a", 0.5)]
        videos = self.root / "videos"
        shutil.copytree(
            self.data / "charades" / "Charades_v1_480", videos, symlinks=True
        )
        for path in list(videos.glob("*.mp4"))[:-1]:
            path.write_text("no video")
        page, pictures = self.report(
            *runs, self.annotations[0], f"--video_root={videos}"
        )
        # Their scores are shown without frames.
        self.assertEqual(len(pictures), 5)
        self.assertIn("The video can&#x27;t be read", page)

    def test_errors(self):
        run = self.make_run("run", 0.5)
        output = f"--output_dir={self.root / 'report'}"
        damaged = self.make_run("damaged")
        (damaged / "results.json").write_text("{")
        for name, classes in (
            ("fewer", NAMES[:2]),
            ("other", [*NAMES[:2], "Hop"]),
        ):
            per_class = dict.fromkeys(classes, 0.5)
            results = {"per_frame": {"mean": 0.5, "per_class": per_class}}
            path = self.make_run(name) / "results.json"
            path.write_text(json.dumps(results))
        fewer, other = self.root / "fewer", self.root / "other"
        broken = self.make_run("broken")
        (broken / "predictions.npz").write_text("no scores")
        logits = self.make_run("logits")
        evaluation.save_predictions(
            logits / "predictions.npz",
            {r.id: np.full((50, 3), 3.0) for r in self.records},
            class_names=NAMES,
        )
        nothing = self.root / "nothing"
        nothing.mkdir()
        cases = [
            ([], "at least one folder"),
            (["/nowhere"], "must be the folder of a training run.*/nowhere"),
            ([nothing], "folder of a training run.*nothing"),
            ([run / "model.json"], "folder of a training run.*model.json"),
            ([damaged], "damaged/results.json` must be JSON"),
            ([run, run], "each folder once"),
            ([run, fewer], "same classes. Received: 3 of run, 2 of fewer"),
            (
                [run, other],
                "class 2 is 'Rocking' of run, 'Hop' of other",
            ),
            (
                [run, "--annotations=none.csv", self.annotations[1]],
                "none.csv",
            ),
            ([run, *self.annotations, "--dataset=thumos"], "dataset"),
            ([broken, *self.annotations], "broken/predictions.npz"),
            ([logits, *self.annotations], "must be probabilities"),
            ([run, f"--output_dir={run / 'model.json'}"], "--output_dir: "),
        ]
        messages = self.call(*([output, *arguments] for arguments, _ in cases))
        for (arguments, expected), message in zip(cases, messages, strict=True):
            with self.subTest(arguments=[str(a) for a in arguments]):
                self.assertRegex(message or "", expected)
