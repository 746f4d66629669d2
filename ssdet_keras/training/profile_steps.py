"""A trace of some steps of training."""

import contextlib
import pathlib

import keras
from absl import logging

from ssdet_keras.ops.profile import profile

_HOW_TO_OPEN = {
    "torch": "open trace.json at https://ui.perfetto.dev",
    "tensorflow": "pip install tensorboard xprof; tensorboard --logdir={}",
    "jax": "open perfetto_trace.json.gz, in its folder plugins/profile, at "
    "https://ui.perfetto.dev",
}


class ProfileSteps(keras.callbacks.Callback):
    """Writes a trace of a few steps, by the profiler of the backend.

    Call `close()` after a `fit` that may have ended with an error.

    Args:
        folder: String or path-like. It is made where it is missing.
        first_step: Integer. Steps before the first one that is traced, which
            compile and warm up. Defaults to `5`.
        num_steps: Integer. Steps that are traced. Defaults to `3`.

    Raises:
        ValueError: If `first_step` is negative or `num_steps` not positive.

    Example:

    ```python
    model.fit(
        batches, callbacks=[ssdet_keras.training.ProfileSteps("run/profile")]
    )
    ```
    """

    def __init__(self, folder, first_step=5, num_steps=3):
        super().__init__()
        if first_step < 0 or num_steps < 1:
            raise ValueError(
                "`first_step` must not be negative, and `num_steps` positive. "
                f"Received: first_step={first_step}, num_steps={num_steps}"
            )
        self._folder = pathlib.Path(folder)
        self._first_step = first_step
        self._num_steps = num_steps
        self._num_done = 0
        self._trace = contextlib.ExitStack()

    def on_train_batch_begin(self, batch, logs=None):
        if self._num_done == self._first_step:
            self._trace.enter_context(profile(self._folder))

    def on_train_batch_end(self, batch, logs=None):
        self._num_done += 1
        if self._num_done == self._first_step + self._num_steps:
            self._trace.close()
            how = _HOW_TO_OPEN[keras.config.backend()].format(self._folder)
            logging.info(
                "Traced %d steps in %s: %s", self._num_steps, self._folder, how
            )

    def on_train_end(self, logs=None):
        self.close()
        if self._num_done <= self._first_step:
            logging.warning(
                "Traced nothing so far: %d steps are to warm up.",
                self._first_step,
            )

    def close(self):
        """Writes what is traced so far, if that has not been done."""
        self._trace.close()
