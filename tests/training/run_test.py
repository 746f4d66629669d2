import json
import pathlib
import tempfile

from absl.testing import parameterized

from ssdet_keras.training import WorkDir
from ssdet_keras.training import read_run

RESULTS = {
    "per_frame": {"mean": 0.25, "per_class": {"walk": 0.25, "run": None}}
}


class RunTest(parameterized.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = pathlib.Path(folder) / "joint"
        self.folder.mkdir()

    def write(self, **texts):
        for name, text in texts.items():
            path = self.folder / name.replace("_", ".")
            path.write_text(text, encoding="utf-8")

    def test_whole_run(self):
        WorkDir(self.folder).save_description(task="detection", seed=3)
        self.write(
            flags_txt="--batch_size=8\n--nohelp\n--horizontal_flip\n--f=a=b\n",
            log_csv="epoch,loss,val_loss\n0,0.5,NA\n1,0.25,NA\n",
            results_json=json.dumps(RESULTS),
            failures_txt="a.mp4\tis empty\n",
            predictions_npz="",
        )
        run = read_run(self.folder)
        self.assertEqual(run.name, "joint")
        self.assertEqual(run.path, self.folder)
        self.assertEqual(
            run.settings,
            {
                "batch_size": "8",
                "help": "false",
                "horizontal_flip": "true",
                "f": "a=b",
            },
        )
        self.assertEqual(run.description, {"task": "detection", "seed": 3})
        self.assertEqual(
            run.log,
            {
                "epoch": ["0", "1"],
                "loss": ["0.5", "0.25"],
                "val_loss": ["NA", "NA"],
            },
        )
        self.assertEqual(run.results, RESULTS)
        self.assertEqual(run.failures, ["a.mp4\tis empty"])
        self.assertEqual(run.predictions_path, self.folder / "predictions.npz")

    @parameterized.parameters(
        ({"results_json": json.dumps(RESULTS)}, {"results": RESULTS}),
        ({"log_csv": ""}, {}),
        ({"log_csv": "epoch,loss\n"}, {}),
        # The second epoch is being written.
        (
            {"log_csv": "epoch,loss\n0,0.5\n1"},
            {"log": {"epoch": ["0"], "loss": ["0.5"]}},
        ),
        ({"predictions_npz": ""}, {}),
        ({"model_json": '{"task": "detection"}'}, None),
    )
    def test_parts(self, texts, expected):
        self.write(**texts)
        run = read_run(self.folder)
        if expected is None:
            expected = {"description": {"task": "detection"}}
        for part in ("settings", "description", "log", "results"):
            self.assertEqual(getattr(run, part), expected.get(part, {}))
        self.assertEqual(run.failures, [])
        self.assertEqual(
            run.predictions_path is not None, "predictions_npz" in texts
        )

    def test_name_of_a_relative_path(self):
        self.write(flags_txt="")
        self.assertEqual(read_run(self.folder / ".." / "joint").name, "joint")
        (self.folder / "checkpoints").mkdir()
        run = read_run(self.folder / "checkpoints" / "..")
        self.assertEqual(run.name, "joint")

    @parameterized.parameters(
        ({}, "must be the folder of a training run.*joint"),
        ({"other_txt": "a"}, "must be the folder of a training run.*joint"),
        ({"model_json": "{"}, "model.json` must be JSON"),
        ({"model_json": "[1]"}, "a JSON object. Received: a list"),
        ({"results_json": "{"}, "results.json` must be JSON"),
        ({"results_json": '{"a": 1}'}, "per_class.* Received: 1 for a"),
        ({"results_json": '{"a": {"mean": 1}}'}, "mean and per_class"),
        (
            {"results_json": '{"a": {"mean": 1, "per_class": {"x": "y"}}}'},
            "mean and per_class",
        ),
        (
            {"results_json": '{"a": {"mean": 1, "per_class": [1]}}'},
            "mean and per_class",
        ),
        (
            {
                "results_json": '{"a": {"mean": 1, "per_class": {"x": 1}}, '
                '"b": {"mean": 1, "per_class": {"y": 1}}}'
            },
            "same classes in each protocol. Received: others for b",
        ),
        ({"log_csv": "time,score\n1,2\n"}, "column epoch. Received: time,s"),
    )
    def test_errors(self, texts, message):
        self.write(**texts)
        with self.assertRaisesRegex(ValueError, message):
            read_run(self.folder)

    def test_paths_that_are_no_folder(self):
        self.write(model_json="{}")
        for path in ("none", "model.json"):
            with self.assertRaisesRegex(ValueError, f"path=.*{path}"):
                read_run(self.folder / path)
        (self.folder / "log.csv").write_bytes(b"\xff\xfe")
        with self.assertRaisesRegex(ValueError, "log.csv` must be a text"):
            read_run(self.folder)
