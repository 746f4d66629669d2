"""Flags and steps of a run that survives, which all training recipes share."""

import contextlib
import sys

import keras
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras import training
from ssdet_keras.ops.deterministic import use_deterministic_ops
from ssdet_keras.recipes import tracking_flags

flags.adopt_module_key_flags(tracking_flags)  # For --help.

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of checkpoints, logs and the model.", required=True
)
_RESUME = flags.DEFINE_bool(
    "resume", False, "Continue the run in --workdir, if there is one."
)
_CHECKPOINT_STEPS = flags.DEFINE_integer(
    "checkpoint_steps",
    None,
    "Steps of an epoch between checkpoints. There is one after every epoch.",
    1,
)
_KEEP_CHECKPOINTS = flags.DEFINE_integer(
    "keep_checkpoints", 3, "Checkpoints that are kept, the newest.", 1
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of weights, clips and layers.", 0)
_DETERMINISTIC = flags.DEFINE_bool(
    "deterministic",
    False,
    "Compute the same bits in every run, on GPUs too, which costs speed.",
)
_MAX_FAILURES = flags.DEFINE_float(
    "max_failures",
    0.1,
    "Share of the videos that may be unreadable; others take their places. The "
    "run stops at more.",
    0,
    1,
)


def start_backend():
    """Sets what the backend reads when it starts: call it before it does."""
    if _DETERMINISTIC.value:
        use_deterministic_ops()


def start_run(is_main=True):
    """Makes the workdir, and sets the seed. Returns the workdir.

    Args:
        is_main: Boolean. Whether this is the process that writes files.
    """
    try:
        workdir = training.WorkDir(_WORKDIR.value, resume=_RESUME.value)
    except ValueError as error:
        raise app.UsageError(f"{error}. See --workdir and --resume.") from error
    if _RESUME.value and workdir.flags_path.exists():
        warn_of_other_flags(workdir)
    elif is_main:
        with exit_if_stopped():
            workdir.save_flags(flags.FLAGS.flags_into_string())
    training.keep_freed_memory()
    keras.utils.set_random_seed(_SEED.value)
    logging.info("Keras backend: %s", keras.config.backend())
    checkpoint = workdir.checkpoint
    if checkpoint is not None:
        logging.info(
            "Resumed after epoch %d and %d steps: %s. Model, loss, optimizer "
            "and learning rates are those of this checkpoint, whatever the "
            "flags are.",
            checkpoint.epoch,
            checkpoint.step,
            checkpoint.path,
        )
    elif _RESUME.value:
        logging.info("No checkpoint: training starts at the beginning")
    return workdir


def warn_of_other_flags(workdir):
    """Logs the flags that a run is resumed with and did not begin with."""
    before = workdir.flags_path.read_text(encoding="utf-8").splitlines()
    for line in flags.FLAGS.flags_into_string().splitlines():
        if line not in (*before, "--resume"):
            logging.warning("Another flag than before: %s", line)


@contextlib.contextmanager
def exit_if_stopped():
    """Ends the program with a message where training stops."""
    try:
        yield
    except training.TrainingStopped as error:
        logging.error("%s", error)
        sys.exit(error.exit_status)


def save_description(workdir, **description):
    """Writes what must be known to use the model, or ends with a message."""
    with exit_if_stopped():
        workdir.save_description(**description)


def fit(
    model,
    source,
    workdir,
    batch_size,
    num_epochs,
    steps_per_epoch,
    callbacks=(),
    distribution=None,
    draw=None,
    **kw,
):
    """Trains a compiled model from its newest checkpoint on, and saves it.

    Args:
        model: Compiled Keras model, with the weights of the checkpoint.
        source: `ClipSource` or `FeatureSource`.
        workdir: `WorkDir`.
        batch_size: Integer. Clips per step, of all processes and devices.
        num_epochs: Integer.
        steps_per_epoch: Integer.
        callbacks: Sequence of callbacks of Keras.
        distribution: `Distribution`. Defaults to `None`: one process.
        draw: Callable that returns pictures, see `training.Tracking`, or
            `None`.
        **kw: `saved_model` of `training.train()`, and `augment` and others of
            `ClipBatches`.
    """
    source.max_failures = _MAX_FAILURES.value
    distribution = distribution or training.make_distribution("none")
    track = tracking_flags.track(workdir, draw)
    if not distribution.is_main:
        track = contextlib.nullcontext([])
    try:
        with exit_if_stopped(), track as tracking:
            training.train(
                model,
                source,
                workdir,
                batch_size,
                num_epochs,
                steps_per_epoch,
                checkpoint_steps=_CHECKPOINT_STEPS.value,
                keep_checkpoints=_KEEP_CHECKPOINTS.value,
                callbacks=[*callbacks, *tracking],
                seed=_SEED.value,
                distribution=distribution,
                **kw,
            )
        distribution.close()
    except data.VideoReadError as error:
        names = ("max_failures", "read_timeout", "skip_list")
        names = [name for name in names if name in flags.FLAGS]
        logging.error("%s. See --%s.", error, ", --".join(names))
        sys.exit(1)
    logging.info("%s", source.report())
    logging.info("Saved %s", workdir.model_path)
