"""Folders of training runs."""

import json
import pathlib

from ssdet_keras.training.checkpoints import list_checkpoints


class WorkDir:
    """The folder of a training run.

        flags.txt       the flags of the run, for `--flagfile`
        log.csv         one row per epoch
        checkpoints/    the newest checkpoint, to resume from
        model.keras     the trained model
        model.json      what must be known to use it: class names, clips, ...
        failures.txt    the videos that could not be read

    Args:
        path: Folder. It is made where it is missing.
        resume: Boolean. Whether a run in this folder is continued.

    Raises:
        ValueError: If the folder can't be written, if it holds a run and
            `resume` is not set, or if it holds none and `resume` is set.
    """

    def __init__(self, path, resume=False):
        self.path = pathlib.Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / ".write_test"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise ValueError(
                f"`workdir` must be a folder that can be written to ({error}). "
                f"Received: workdir={path}"
            ) from error
        self.checkpoints = list_checkpoints(self.path)
        if resume and not self.checkpoints:
            raise ValueError(
                "`workdir` holds no checkpoint to resume from. "
                f"Received: workdir={path}"
            )
        if not resume and (self.checkpoints or self.log_path.exists()):
            raise ValueError(
                "`workdir` already holds a run: resume it, or choose another "
                f"folder. Received: workdir={path}"
            )

    @property
    def model_path(self):
        """Path of the trained model."""
        return self.path / "model.keras"

    @property
    def log_path(self):
        """Path of the log, a CSV file."""
        return self.path / "log.csv"

    def save_description(self, **description):
        """Writes what must be known to use the model beside it."""
        text = json.dumps(description, indent=2, ensure_ascii=False)
        (self.path / "model.json").write_text(text + "\n", encoding="utf-8")

    def save_failures(self, source):
        """Writes the videos of a `ClipSource` that could not be read."""
        lines = [f"{p}\t{r}\n" for p, r in sorted(source.failures.items())]
        path = self.path / "failures.txt"
        path.write_text("".join(lines), encoding="utf-8")


def read_description(model_path):
    """Returns the description beside a model file, or `{}` without one."""
    path = pathlib.Path(model_path).with_suffix(".json")
    if not path.exists():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))
