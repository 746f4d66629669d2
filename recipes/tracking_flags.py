"""Flags of what is recorded of a training, for the recipes that train."""

import contextlib

from absl import app
from absl import flags

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

    Args:
        workdir: `WorkDir`.
        draw: Callable that returns pictures, see `training.Tracking`, or
            `None`.
    """
    checkpoint = workdir.checkpoint
    with contextlib.ExitStack() as stack:
        trackers = [
            training.TensorBoardTracker(
                workdir.path / "tensorboard",
                0 if checkpoint is None else checkpoint.epoch,
            ),
            *(_start(name, workdir) for name in _TRACKER.value),
        ]
        for tracker in trackers:
            stack.callback(tracker.close)
        callbacks = [training.Tracking(trackers, draw)]
        if _PROFILE.value:
            folder = workdir.path / "profile"
            callbacks.append(training.ProfileSteps(folder))
        yield callbacks


def _start(name, workdir):
    settings = training.read_run(workdir.path).settings
    try:
        return _TRACKERS[name](workdir.path, settings)
    except ImportError as error:
        raise app.UsageError(
            f"--tracker={name} needs a package: pip install {name}"
        ) from error
    # Whatever a client of a server raises.
    except Exception as error:
        raise app.UsageError(f"--tracker={name}: {error}") from error
