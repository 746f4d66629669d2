"""Files to resume a training run from."""

import dataclasses
import io
import json
import pathlib
import zipfile

import numpy as np

from ssdet_keras.data.atomic_path import atomic_path

# Added to those of Keras in the file.
_PROGRESS = "training_progress.json"
_STATE = "training_state.npz"


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """What a training run was when it was saved.

    The file is a model of Keras, which `keras.saving.load_model()` loads, and
    further holds what such files lack: where the run was, and the state of
    random seeds and of metrics.

    Attributes:
        path: `pathlib.Path`, the file.
        epoch: Integer. Number of epochs that are done.
        step: Integer. Number of steps of the next epoch that are done.
        steps_per_epoch: Integer.
        failures: Dict of the path of each video that could not be read to the
            reason.
        state: List of arrays, the values of the variables that are no weights.
        random_state: List of arrays, see `ops.random_state`, those of all
            processes joined.
        batch_size: Integer, or `None` in a file that is older.
    """

    path: pathlib.Path
    epoch: int
    step: int
    steps_per_epoch: int
    failures: dict
    state: list
    random_state: list
    batch_size: int | None = None

    def save(self, model):
        """Writes the file, the whole of it or nothing.

        Args:
            model: Keras model, which has the weights.
        """
        progress = {
            "epoch": self.epoch,
            "step": self.step,
            "steps_per_epoch": self.steps_per_epoch,
            "failures": self.failures,
            "batch_size": self.batch_size,
        }
        state = io.BytesIO()
        np.savez(
            state,
            **{f"state_{i}": array for i, array in enumerate(self.state)},
            **{f"random_{i}": a for i, a in enumerate(self.random_state)},
        )
        with atomic_path(self.path) as path:
            model.save(path)
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr(_PROGRESS, json.dumps(progress))
                archive.writestr(_STATE, state.getvalue())


def read_checkpoint(path):
    """Reads a checkpoint, without its weights, and checks the whole file.

    Args:
        path: String or path-like.

    Returns:
        `Checkpoint`.

    Raises:
        ValueError: If the file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            # All have a checksum.
            damaged = archive.testzip()
            if damaged is not None:
                raise ValueError(f"{damaged} is damaged")
            progress = json.loads(archive.read(_PROGRESS))
            with np.load(io.BytesIO(archive.read(_STATE))) as arrays:
                state, random_state = (
                    [arrays[key] for key in arrays if key.startswith(name)]
                    for name in ("state_", "random_")
                )
            return Checkpoint(
                pathlib.Path(path),
                **progress,
                state=state,
                random_state=random_state,
            )
    # All kinds of errors come of damaged archives.
    except Exception as error:
        raise ValueError(
            f"`path` must be a checkpoint of a training run ({error}). "
            f"Received: path={path}"
        ) from error
