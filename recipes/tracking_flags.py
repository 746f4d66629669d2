"""Flags of what is recorded of a training, for the recipes that train."""

import contextlib

from absl import app
from absl import flags
from absl import logging

from ssdet_keras import training

_TRACKER = flags.DEFINE_multi_enum(
    "tracker",
    [],
    ["wandb", "mlflow"],
    "Where numbers and pictures of each epoch go beside TensorBoard: Weights & "
    "Biases, MLflow. May be repeated.",
)
_PROFILE = flags.DEFINE_bool(
    "profile",
    False,
    "Write a trace of steps 6 to 8 into WORKDIR/profile, by the profiler of "
    "the backend.",
)

_TRACKERS = {"wandb": training.WandbTracker, "mlflow": training.MLflowTracker}


@contextlib.contextmanager
def track(workdir, draw=None):
    """Yields the callbacks of the flags, and closes what they write to.

    What can't be started or closed is warned of, and never stops the training.

    Args:
        workdir: `WorkDir`.
        draw: Callable that returns pictures, see `training.Tracking`, or
            `None`.

    Raises:
        UsageError: If the package of a tracker is not installed.
    """
    checkpoint = workdir.checkpoint
    first_step = 0 if checkpoint is None else checkpoint.epoch
    settings = training.read_run(workdir.path).settings
    started = [
        _start(
            "tensorboard",
            training.TensorBoardTracker,
            workdir.path / "tensorboard",
            first_step,
        ),
        *(
            _start(name, _TRACKERS[name], workdir.path, settings)
            for name in _TRACKER.value
        ),
    ]
    trackers = [tracker for tracker in started if tracker is not None]
    profilers = []
    if _PROFILE.value:
        profilers = [training.ProfileSteps(workdir.path / "profile")]
    with contextlib.ExitStack() as stack:
        for opened in (*trackers, *profilers):
            stack.callback(_close, opened)
        yield [training.Tracking(trackers, draw), *profilers]


def _start(name, make, *args):
    """Returns a tracker, or `None` where it can't be started."""
    try:
        return make(*args)
    except ImportError as error:
        raise app.UsageError(
            f"--tracker={name} needs a package: pip install {name}"
        ) from error
    # Whatever a client of a server raises.
    except Exception as error:
        logging.warning("Nothing goes to %s: %s", name, _describe(error))
        return None


def _close(opened):
    try:
        opened.close()
    except Exception as error:
        name = type(opened).__name__
        logging.warning("%s was not closed: %s", name, _describe(error))


def _describe(error):
    return f"{type(error).__name__}: {error}"
