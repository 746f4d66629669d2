"""Folders of training runs."""

import contextlib
import json
import pathlib

from ssdet_keras.data.atomic_path import atomic_path
from ssdet_keras.training.checkpoint_folder import CheckpointFolder
from ssdet_keras.training.training_stopped import TrainingStopped


class WorkDir:
    """The folder of a training run.

    A file that can't be written raises `TrainingStopped`.

        flags.txt       the flags of the run, for `--flagfile`
        log.csv         one row per epoch
        checkpoints/    the newest checkpoints, to resume from
        model.keras     the trained model
        model.json      what must be known to use it: class names, clips, ...
        failures.txt    the videos that could not be read
        nan_batch.npz   the batch that a run was stopped by, see `StopOnNaN`

    Args:
        path: Folder. It is made where it is missing.
        resume: Boolean. Whether a run in this folder is continued, if there
            is one.

    Attributes:
        path: `pathlib.Path`, the folder.
        checkpoint: The `Checkpoint` to go on from, or `None` where a run
            begins, also if it was stopped before it had saved one.

    Raises:
        ValueError: If the folder can't be written, if it holds a run and
            `resume` is not set, or if its checkpoints are all damaged.
    """

    def __init__(self, path, resume=False):
        self.path = pathlib.Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / ".write_test"
            probe.touch()
            # Another process of the run may have been quicker.
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise ValueError(
                f"`workdir` must be a folder that can be written to ({error}). "
                f"Received: workdir={path}"
            ) from error
        folder = CheckpointFolder(self.path)
        if not resume and (folder.list_paths() or self.log_path.exists()):
            raise ValueError(
                "`workdir` already holds a run: resume it, or choose another "
                f"folder. Received: workdir={path}"
            )
        self.checkpoint = folder.read_newest() if resume else None

    @property
    def flags_path(self):
        """Path of the flags of the run."""
        return self.path / "flags.txt"

    @property
    def model_path(self):
        """Path of the trained model."""
        return self.path / "model.keras"

    @property
    def log_path(self):
        """Path of the log, a CSV file."""
        return self.path / "log.csv"

    def save_flags(self, text):
        """Writes the flags of the run, one per line."""
        with _write(self.flags_path) as path:
            path.write_bytes(text.encode("utf-8"))

    def save_model(self, model):
        """Writes the trained model."""
        with _write(self.model_path) as path:
            model.save(path)

    def save_description(self, **description):
        """Writes what must be known to use the model beside it."""
        text = json.dumps(description, indent=2, ensure_ascii=False)
        with _write(self.path / "model.json") as path:
            path.write_bytes(f"{text}\n".encode())

    def save_failures(self, source):
        """Writes the videos of a `ClipSource` that could not be read."""
        lines = [f"{p}\t{r}\n" for p, r in sorted(source.failures.items())]
        with _write(self.path / "failures.txt") as path:
            path.write_bytes("".join(lines).encode("utf-8", "surrogateescape"))


@contextlib.contextmanager
def _write(path):
    try:
        with atomic_path(path) as temporary:
            yield temporary
    except OSError as error:
        raise TrainingStopped(
            f"{path} could not be written ({error.strerror or error}). "
            "Checkpoints are intact: make room, and resume."
        ) from error


def read_description(model_path):
    """Returns the description beside a model file, or `{}` without one."""
    path = pathlib.Path(model_path).with_suffix(".json")
    if not path.exists():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))
