"""Checkpoints of a training run."""

import pathlib
import re

import keras


class Checkpoints(keras.callbacks.Callback):
    """Saves the model, its optimizer included, after every epoch.

    A checkpoint is one file, `checkpoints/epoch_0007.keras`, which is complete
    as soon as it has that name. Only the newest is kept.

    Args:
        workdir: Folder of the run.
    """

    def __init__(self, workdir):
        super().__init__()
        self._folder = pathlib.Path(workdir) / "checkpoints"

    def on_epoch_end(self, epoch, logs=None):
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"epoch_{epoch + 1:04d}.keras"
        # Keras wants the suffix, so the mark of an unfinished file goes first.
        unfinished = path.with_name(f"unfinished_{path.name}")
        self.model.save(unfinished)
        unfinished.replace(path)
        for _, old in list_checkpoints(self._folder.parent)[:-1]:
            old.unlink()


def list_checkpoints(workdir):
    """Returns `(epoch, path)` of the checkpoints of a run, oldest first.

    `epoch` is the number of epochs that were trained.
    """
    pattern = re.compile(r"epoch_(\d+)\.keras")
    found = []
    for path in (pathlib.Path(workdir) / "checkpoints").glob("*.keras"):
        match = pattern.fullmatch(path.name)
        if match:
            found.append((int(match.group(1)), path))
    return sorted(found)
