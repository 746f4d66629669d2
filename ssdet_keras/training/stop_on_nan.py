"""The end of a run whose loss is no number."""

import pathlib

import keras
import numpy as np

from ssdet_keras.data.atomic_write import atomic_write
from ssdet_keras.training.training_stopped import TrainingStopped


class StopOnNaN(keras.callbacks.Callback):
    """Stops when the loss is NaN or infinite, names the batch and saves it.

    The batch is saved as `nan_batch.npz`, with arrays named after their place
    in what `fit` was given: `0` and `1` for `(x, y)`, `0/videos` for a dict.

    Args:
        batches: `ClipBatches` that the model is trained on.
        workdir: Folder of the run.

    Where several processes train together, each saves its share of the batch,
    those after the first as `nan_batch_1.npz` and so on.

    Raises:
        TrainingStopped: If the loss is NaN or infinite.
    """

    def __init__(self, batches, workdir):
        super().__init__()
        self._batches = batches
        suffix = f"_{batches.rank}" if batches.rank else ""
        self._path = pathlib.Path(workdir) / f"nan_batch{suffix}.npz"
        self._num_batches = 0

    def on_train_batch_end(self, batch, logs=None):
        index = self._num_batches
        self._num_batches += 1
        loss = (logs or {}).get("loss", 0.0)
        if np.isfinite(loss):
            return
        epoch, step = self._batches.position_of(index)
        ids = [record.id for record in self._batches.records_of(index)]
        raise TrainingStopped(
            f"The loss is {loss} at step {step + 1} of epoch {epoch + 1}, on "
            f"the clips of {', '.join(ids)}. {self._save(index)} Checkpoints "
            "of the steps before are intact. A lower learning rate, a longer "
            "warm-up or clipped gradients may help."
        )

    def _save(self, index):
        """Saves a batch, and returns a text that says so."""
        arrays = {
            "/".join(map(str, path)): array
            for path, array in keras.tree.flatten_with_path(
                self._batches[index]
            )
        }
        try:
            with atomic_write(self._path) as file:
                np.savez(file, **arrays)
        except OSError as error:
            return f"The batch could not be saved ({error.strerror})."
        return f"The batch is saved in {self._path}."
