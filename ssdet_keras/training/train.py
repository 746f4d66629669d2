"""Training that survives."""

import contextlib

import keras
from absl import logging

from ssdet_keras.data.clip_batches import ClipBatches
from ssdet_keras.training.checkpoints import Checkpoints
from ssdet_keras.training.distribution.distribution import Distribution
from ssdet_keras.training.epoch_log import EpochLog
from ssdet_keras.training.stop_on_nan import StopOnNaN
from ssdet_keras.training.stop_signals import StopSignals
from ssdet_keras.training.stop_together import StopTogether
from ssdet_keras.training.throughput import Throughput
from ssdet_keras.training.training_stopped import TrainingStopped


def train(
    model,
    source,
    workdir,
    batch_size,
    num_epochs,
    steps_per_epoch,
    last_steps=None,
    saved_model=None,
    checkpoint_steps=None,
    keep_checkpoints=3,
    callbacks=(),
    distribution=None,
    **kwargs,
):
    """Trains a model on clips, from the checkpoint of its folder on.

    The steps, the losses and the weights are those of a run that was never
    stopped, however often it was. The trained model is saved at the end.

    Args:
        model: Compiled Keras model, which was loaded from
            `workdir.checkpoint` if there is one.
        source: `ClipSource`.
        workdir: `WorkDir`.
        batch_size: Integer. Clips per step, of all processes and devices.
        num_epochs: Integer. Epochs of the whole run.
        steps_per_epoch: Integer.
        last_steps: Integer or `None`. Steps of the last epoch, if that is
            shorter.
        saved_model: Keras model that is saved, if it is another one than the
            one that is trained. Both share their weights. Defaults to `model`.
        checkpoint_steps: Integer or `None`. Steps of an epoch between
            checkpoints. Defaults to `None`: after every epoch alone.
        keep_checkpoints: Integer. Defaults to `3`.
        callbacks: Sequence of further callbacks of Keras. Steps are numbered
            from the first one that is trained: from 0, unless a run is resumed
            within an epoch. All processes call them, with the same logs:
            give those that write files to the one of rank 0 alone.
        distribution: `Distribution` or `None`. What `make_distribution()`
            returns, in whose scope the model was made. Defaults to `None`: one
            process on one device.
        **kwargs: Further arguments of `ClipBatches`, such as `augment`,
            `transform`, `seed` and `workers`.

    Raises:
        TrainingStopped: If there is a SIGTERM or SIGINT, if a file can't be
            written, if the loss becomes NaN or infinite, if
            `steps_per_epoch` or `batch_size` is another one than that of a
            checkpoint within an epoch, or if another process of the run has
            ended.
        VideoReadError: If too many videos can't be read, see
            `ClipSource.max_failures`.

    Example:

    ```python
    workdir = ssdet_keras.training.WorkDir("run", resume=True)
    if workdir.checkpoint:
        model = keras.saving.load_model(workdir.checkpoint.path)
    ssdet_keras.training.train(
        model, source, workdir, batch_size=16, num_epochs=10,
        steps_per_epoch=500, checkpoint_steps=100,
        transform=lambda batch: (batch["videos"], batch["labels"]),
    )
    ```
    """
    distribution = distribution or Distribution()
    start = workdir.checkpoint
    epoch = step = 0
    num_full = num_epochs - (last_steps is not None)

    def length_of(epoch):
        return steps_per_epoch if epoch < num_full else last_steps

    if start is not None:
        epoch, step = start.epoch, start.step
        _check_steps(start, length_of(epoch), batch_size)
        source.failures.update(start.failures)
    starts = distribution.all_gather_objects([epoch, step])
    if starts != starts[:1] * len(starts):
        raise TrainingStopped(
            "All processes must find the same checkpoint in the folder of the "
            "run, which all machines must see. Received: "
            f"(epoch, step) = {starts} by rank"
        )
    # Before the first step, or TensorFlow would trace that step twice. One that
    # scales the loss would start anew if it was built again.
    if not model.optimizer.built:
        with distribution.scope():
            model.optimizer.build(model.trainable_variables)
    with contextlib.ExitStack() as stack:
        signals = stack.enter_context(StopSignals())
        stack.enter_context(distribution.replicate(model))
        callbacks = list(callbacks)
        if distribution.num_processes > 1:
            signals = StopTogether(distribution, signals, source)
            stack.callback(signals.close)
            callbacks.insert(0, signals)
        if distribution.is_main:
            callbacks.append(EpochLog(workdir.log_path, epoch, source.failures))
        callbacks.append(
            Checkpoints(
                workdir.path,
                checkpoint_steps,
                keep_checkpoints,
                saved_model,
                start,
                signals,
                source.failures,
                batch_size,
                distribution,
            )
        )
        raw_weights = _RawWeights()
        # The epochs of `fit` have one length: the rest of one, and a shorter
        # one, come apart.
        parts = [(epoch, step, epoch + 1)] if step else []
        epoch += bool(step)
        parts.append((epoch, 0, num_full))
        parts.append((max(epoch, num_full), 0, num_epochs))
        for epoch, step, end in parts:
            if epoch >= end:
                continue
            batches = ClipBatches(
                source,
                batch_size,
                steps_per_epoch=steps_per_epoch,
                initial_epoch=epoch,
                initial_batch=step,
                rank=distribution.rank,
                num_processes=distribution.num_processes,
                **kwargs,
            )
            with contextlib.closing(batches):
                try:
                    if start is not None:
                        _build_metrics(model, batches, distribution)
                        start = None  # It is restored once.
                    model.fit(
                        distribution.to_input(batches),
                        epochs=end,
                        initial_epoch=epoch,
                        steps_per_epoch=length_of(epoch) - step,
                        shuffle=False,
                        callbacks=[
                            StopOnNaN(batches, workdir.path),
                            Throughput(batches),
                            raw_weights,
                            *callbacks,
                        ],
                        verbose=2 if distribution.is_main else 0,
                    )
                except Exception as error:
                    if distribution.is_main:
                        try:
                            workdir.save_failures(source)
                        except TrainingStopped as no_room:
                            logging.error("%s", no_room)
                    if batches.error not in (None, error):
                        raise batches.error from error
                    if distribution.is_lost(error):
                        raise TrainingStopped(
                            "Another process of the run has ended, or can't be "
                            "reached: see what it has written. The last "
                            f"checkpoint is intact: resume. ({str(error)[:99]})"
                        ) from error
                    raise
    # Where all epochs were done before, `fit` has not put averaged weights in.
    model.optimizer.finalize_variable_values(model.trainable_variables)
    if distribution.is_main:
        with distribution.alone():
            workdir.save_model(saved_model or model)
        workdir.save_failures(source)


def _build_metrics(model, batches, distribution):
    """Makes the metrics, also those of several losses, to be restored.

    TensorFlow alone makes them as late as in the first step.
    """
    names = getattr(model, "output_names", None) or ()
    is_late = len(names) > 1 or model._compile_metrics is not None
    if is_late and distribution.num_replicas == 1:
        model.test_on_batch(*batches[0])
        model.reset_metrics()


def _check_steps(start, steps_per_epoch, batch_size):
    """Raises an error where the rest of an epoch would be of other clips."""
    for name, value, before in (
        ("steps_per_epoch", steps_per_epoch, start.steps_per_epoch),
        ("batch_size", batch_size, start.batch_size or batch_size),
    ):
        if start.step and value != before:
            raise TrainingStopped(
                "A run that was stopped within an epoch must be resumed with "
                f"{name}={before}, as before, over all processes and devices. "
                f"Received: {name}={value}"
            )


class _RawWeights(keras.callbacks.Callback):
    """Goes on with the weights of the last epoch in the next `fit`.

    At its end, `fit` puts the averaged weights of an optimizer with `use_ema`
    in their places.
    """

    def __init__(self):
        super().__init__()
        self._weights = None

    def on_train_begin(self, logs=None):
        if self._weights is not None:
            for variable, weight in zip(
                self.model.trainable_variables, self._weights, strict=True
            ):
                variable.assign(weight)

    def on_epoch_end(self, epoch, logs=None):
        model = self.model
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        if optimizer.use_ema:
            self._weights = [
                # A copy: with PyTorch, the array is the weight.
                keras.ops.convert_to_numpy(variable).copy()
                for variable in model.trainable_variables
            ]
