"""Files of strangers run no code, and write nowhere."""

import ast
import json
import os
import pathlib
import pickle
import tempfile
import unittest
import zipfile

import keras
import numpy as np
from absl import app
from data.numbered_video import write_video

from ssdet_keras import data
from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.recipes.keras_file import load_keras_file

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Calls that run code or a shell, by their last name.
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "system",
    "popen",
    "extractall",
    "unpack_archive",
    "enable_unsafe_deserialization",
}
FORBIDDEN_ARGUMENTS = {
    ("shell", True),
    ("allow_pickle", True),
    ("weights_only", False),
    ("safe_mode", False),
}
FORBIDDEN_MODULES = {"marshal", "shelve", "dill", "joblib", "tarfile"}


class Exploit:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (os.fspath(self.path), "w")


def find_violations(path):
    """Yields what runs code in a file of Python."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names}
            names.add(getattr(node, "module", None))
            yield from names & FORBIDDEN_MODULES
        if not isinstance(node, ast.Call):
            continue
        function = ast.unparse(node.func)
        if function.rpartition(".")[2] in FORBIDDEN_CALLS:
            yield function
        if function in ("pickle.load", "pickle.loads"):
            yield function
        arguments = {k.arg: ast.unparse(k.value) for k in node.keywords}
        for name, value in FORBIDDEN_ARGUMENTS:
            if arguments.get(name) == str(value):
                yield f"{function}({name}={value})"
        if function == "torch.load" and "weights_only" not in arguments:
            yield "torch.load without weights_only"


class SecurityTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        self.folder = self.root / "runs" / "hostile"
        self.folder.mkdir(parents=True)
        self.harm = self.root / "harm"

    def save_model(self, name="model.keras"):
        path = self.folder / name
        keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]).save(path)
        return path

    def rewrite(self, path, change):
        """Changes the contents of the files of an archive."""
        with zipfile.ZipFile(path) as archive:
            contents = {n: archive.read(n) for n in archive.namelist()}
        change(contents)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)

    def assert_refused(self, path, message):
        """Tries all that loads models of Keras."""
        model = models.FrameDetector(
            models.X3DBackbone(width=0.25, depth=0.1), 2
        )
        with self.assertRaisesRegex(app.UsageError, message):
            load_keras_file("model", os.fspath(path))
        with self.assertRaisesRegex(ValueError, "can't be read"):
            models.load_checkpoint(model, path)
        self.assertFalse(self.harm.exists())

    def test_rules(self):
        found = {
            f"{path.relative_to(ROOT)}: {violation}"
            for part in ("ssdet_keras", "recipes")
            for path in (ROOT / part).rglob("*.py")
            for violation in find_violations(path)
        }
        self.assertEqual(found, set())

    def test_the_rules_find_what_they_forbid(self):
        path = self.root / "bad.py"
        path.write_text(
            "import tarfile\nimport torch\nos.system(name)\n"
            "subprocess.run(name, shell=True)\ntorch.load(path)\n"
            "np.load(path, allow_pickle=True)\npickle.loads(content)\n"
            "keras.saving.load_model(path, safe_mode=False)\n"
        )
        self.assertEqual(
            sorted(find_violations(path)),
            [
                "keras.saving.load_model(safe_mode=False)",
                "np.load(allow_pickle=True)",
                "os.system",
                "pickle.loads",
                "subprocess.run(shell=True)",
                "tarfile",
                "torch.load without weights_only",
            ],
        )

    def test_code_in_a_model(self):
        path = self.folder / "lambda.keras"
        harm = os.fspath(self.harm)
        model = keras.Sequential(
            [
                keras.Input((1,)),
                # Not called until it is loaded.
                keras.layers.Lambda(
                    lambda x, harm=harm: x, arguments={"harm": harm}
                ),
            ]
        )
        model.save(path)
        self.assert_refused(path, "(?i)unsafe|lambda")

    def test_functions_of_other_modules_in_a_model(self):
        path = self.save_model()

        def change(contents):
            config = json.loads(contents["config.json"])
            config["config"]["layers"][-1] = {
                "module": "os",
                "class_name": "system",
                "registered_name": None,
                "config": {"command": f"touch {self.harm}"},
            }
            contents["config.json"] = json.dumps(config)

        self.rewrite(path, change)
        self.assert_refused(path, "(?i)could not|cannot|not allowed")

    def test_names_that_lead_out_of_a_model(self):
        path = self.save_model()

        def change(contents):
            contents["../../harm"] = b"x"
            contents[os.fspath(self.harm)] = b"x"
            contents["assets/../../../harm"] = b"x"

        self.rewrite(path, change)
        before = sorted(self.root.rglob("*"))
        load_keras_file("model", os.fspath(path))
        self.assertEqual(sorted(self.root.rglob("*")), before)

    def test_pickles_in_a_checkpoint(self):
        workdir = training.WorkDir(self.folder)
        path = workdir.path / "checkpoints" / "epoch_0001_step_000000.keras"
        path.parent.mkdir()
        training.Checkpoint(path, 1, 0, 1, {}, [], []).save(
            keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        )
        self.assertEqual(training.read_checkpoint(path).epoch, 1)
        exploit = np.array([Exploit(self.harm)], object)

        def change(contents):
            with open(self.root / "state.npz", "wb") as file:
                np.savez(file, state_0=exploit, allow_pickle=True)
            contents["training_state.npz"] = (
                self.root / "state.npz"
            ).read_bytes()

        self.rewrite(path, change)
        with self.assertRaisesRegex(ValueError, "allow_pickle=False"):
            training.read_checkpoint(path)
        self.assertFalse(self.harm.exists())
        # It would have made the file.
        pickle.loads(pickle.dumps(exploit))[0].close()
        self.assertTrue(self.harm.exists())

    def test_commands_in_names_of_videos(self):
        name = f"$(touch {self.harm.name}) `touch {self.harm.name}`;'\".mp4"
        source = write_video(os.fspath(self.folder / name), 12)
        target = os.fspath(self.folder / f"new {name}")
        before = os.getcwd()
        os.chdir(self.root)
        self.addCleanup(os.chdir, before)
        data.prepare_video(source, target)
        with data.VideoFile(target) as video:
            self.assertEqual(video.num_frames, 12)
        self.assertFalse(self.harm.exists())


if __name__ == "__main__":
    unittest.main()
