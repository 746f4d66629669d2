"""The log of a training run."""

import csv
import io
import pathlib

import keras

from ssdet_keras.data.atomic_write import atomic_write
from ssdet_keras.training.training_stopped import TrainingStopped


class EpochLog(keras.callbacks.Callback):
    """Writes a CSV file of one row per epoch, which can be resumed.

    `keras.callbacks.CSVLogger` appends to what it finds, so that rows are there
    twice, or halved, after a run was killed. Here the file is written anew
    after every epoch, and rows of epochs that are trained again are left out.

    Args:
        path: String or path-like. The file.
        initial_epoch: Integer. Number of epochs that are done, whose rows are
            kept. Defaults to `0`.
        failures: Dict of the videos that could not be read so far, whose
            number is the column `unreadable_videos`, or `None`.

    Raises:
        TrainingStopped: If the file can't be written.
    """

    def __init__(self, path, initial_epoch=0, failures=None):
        super().__init__()
        self._path = pathlib.Path(path)
        self._failures = failures
        self._rows = read_rows(self._path, initial_epoch)

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch, **(logs or {})}
        if self._failures is not None:
            row["unreadable_videos"] = len(self._failures)
        self._rows.append(row)
        names = dict.fromkeys(name for row in self._rows for name in row)
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        try:
            with atomic_write(self._path) as file:
                file.write(text.getvalue().encode("utf-8"))
        except OSError as error:
            raise TrainingStopped(
                f"The log could not be written ({error.strerror}): "
                f"{self._path}. Make room, and resume."
            ) from error


def read_rows(path, num_epochs):
    """Returns the rows of the first epochs of a log, dicts of strings."""
    if not num_epochs or not pathlib.Path(path).exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return [
            row
            for row in csv.DictReader(file)
            if int(row["epoch"]) < num_epochs
        ]
