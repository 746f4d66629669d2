"""Checkpoints of a training run."""

import keras
import numpy as np

from ssdet_keras.ops.random_state import get_random_state
from ssdet_keras.ops.random_state import set_random_state
from ssdet_keras.training.checkpoint import Checkpoint
from ssdet_keras.training.checkpoint_folder import CheckpointFolder
from ssdet_keras.training.distribution.distribution import Distribution
from ssdet_keras.training.training_stopped import TrainingStopped


class Checkpoints(keras.callbacks.Callback):
    """Saves a training run, so that it can go on as if it had not stopped.

    A checkpoint is saved after every epoch, after every `steps` steps in
    between, and when a signal has asked to stop. It holds the model, its
    optimizer, random states such as that of `Dropout`, and the metrics of the
    epoch. See `CheckpointFolder` for the files.

    Args:
        workdir: Folder of the run.
        steps: Integer or `None`. Steps of an epoch between checkpoints.
            Defaults to `None`: after every epoch alone.
        keep: Integer. Number of checkpoints that are kept. Defaults to `3`.
        saved_model: Keras model that is saved, if it is another one than the
            one that is trained. Both share their weights.
        start: `Checkpoint` or `None`. The one that training goes on from, whose
            model was loaded.
        signals: `StopSignals` or `None`.
        failures: Dict of the videos that could not be read, which is saved
            with the rest.
        batch_size: Integer or `None`. Is saved with the rest.
        distribution: `Distribution` or `None`. That of several processes, of
            which one writes the files.

    Raises:
        ValueError: If `steps` or `keep` are less than 1, or if the model has
            another state than that of `start`.
        TrainingStopped: After the checkpoint, if there was a signal; if the
            file can't be written; and if weights are NaN or infinite.
    """

    def __init__(
        self,
        workdir,
        steps=None,
        keep=3,
        saved_model=None,
        start=None,
        signals=None,
        failures=None,
        batch_size=None,
        distribution=None,
    ):
        super().__init__()
        for name, value in (("steps", steps), ("keep", keep)):
            if value is not None and value < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. Received: {name}={value}"
                )
        self._folder = CheckpointFolder(workdir)
        self._steps = steps
        self._keep = keep
        self._saved_model = saved_model
        self._start = start
        self._signals = signals
        self._failures = {} if failures is None else failures
        self._batch_size = batch_size
        self._distribution = distribution or Distribution()
        self._random_state = None if start is None else start.random_state
        self._epoch = self._first_step = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._first_step = epoch, 0
        if self._start is not None:
            self._restore()

    def on_train_batch_begin(self, batch, logs=None):
        # Not before: with PyTorch, loaders draw when an iteration begins, and
        # there are more of these in a run that was resumed.
        if self._random_state is not None:
            self._set_random_state(self._random_state)
            self._random_state = None

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.params["steps"]:
            return  # on_epoch_end() follows.
        step = self._first_step + batch + 1
        # Read once: one that comes while this decides waits for the next step.
        received = self._signals and self._signals.received
        if received or (self._steps and step % self._steps == 0):
            self._save(self._epoch, step)
        _stop_if(received)

    def on_epoch_end(self, epoch, logs=None):
        self._random_state = self._get_random_state()
        self._save(epoch + 1, 0)
        _stop_if(self._signals and self._signals.received)

    def _save(self, epoch, step):
        # This property brings the weights up to date with JAX.
        model = self.model
        saved_model = self._saved_model or model
        if not all(_is_finite(weight) for weight in saved_model.weights):
            raise TrainingStopped(
                "Weights have become NaN or infinite since the last "
                f"checkpoint, before step {step} of epoch {epoch + 1}."
            )
        checkpoint = Checkpoint(
            self._folder.path_of(epoch, step),
            epoch,
            step,
            self._first_step + self.params["steps"],
            dict(self._failures),
            [keras.ops.convert_to_numpy(v) for v in self._find_state()],
            self._get_random_state(),
            self._batch_size,
        )
        reason = None
        if self._distribution.is_main:
            try:
                self._folder.path.mkdir(parents=True, exist_ok=True)
                with self._distribution.alone():
                    checkpoint.save(saved_model)
                self._folder.remove_old(self._keep)
            except OSError as error:
                reason = error.strerror or str(error)
        reason = self._distribution.all_gather_objects(reason)[0]
        if reason is not None:
            raise TrainingStopped(
                f"A checkpoint could not be written ({reason}): "
                f"{checkpoint.path}. Those before are intact: make room, and "
                "resume."
            )

    def _get_random_state(self):
        return list(map(self._distribution.all_gather, get_random_state()))

    def _set_random_state(self, states):
        rank, num = self._distribution.rank, self._distribution.num_processes
        sizes = [num * len(state) for state in get_random_state()]
        # Those of another number of processes are no use.
        if sizes[:1] == [len(state) for state in states[:1]]:
            set_random_state([np.split(state, num)[rank] for state in states])

    def _restore(self):
        start, self._start = self._start, None
        self._first_step = start.step
        state = self._find_state()
        shapes = [tuple(variable.shape) for variable in state]
        if shapes != [value.shape for value in start.state]:
            raise ValueError(
                "`start` must be a checkpoint of this model and optimizer. "
                f"Received: start={start.path}"
            )
        for variable, value in zip(state, start.state, strict=True):
            variable.assign(value)
        if start.step == 0:
            # Those are of the epoch before.
            self.model.reset_metrics()

    def _find_state(self):
        """Returns the variables that a run depends on and no file holds."""
        model = self.model
        saved_model = self._saved_model or model
        held = list(saved_model.weights)
        if getattr(saved_model, "optimizer", None) is not None:
            held += saved_model.optimizer.variables
        held = {id(variable) for variable in held}
        variables = {
            id(variable): variable
            for variable in (
                *model.variables,
                *model.metrics_variables,
                *model.optimizer.variables,
            )
        }
        return [v for key, v in variables.items() if key not in held]


def _stop_if(received):
    """Raises the error of a signal, after which the run was saved."""
    if received:
        raise TrainingStopped(
            f"Stopped by {received.name}. The run is saved: resume it at any "
            "time.",
            exit_status=128 + received,
        )


def _is_finite(weight):
    return bool(keras.ops.all(keras.ops.isfinite(weight)))
