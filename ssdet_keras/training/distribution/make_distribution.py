"""The choice of an engine."""

import keras

from ssdet_keras.training.distribution.distribution import Distribution
from ssdet_keras.training.distribution.processes import read_processes

# The names of engines, and their backends.
ENGINES = {
    "ddp": "torch",
    "mirrored": "tensorflow",
    "multi_worker": "tensorflow",
    "data_parallel": "jax",
}


def make_distribution(name="auto", timeout=600):
    """Finds the other processes and devices of a run.

    Call it once, before any other computation.

    | name              | backend    | engine                                |
    | ----------------- | ---------- | ------------------------------------- |
    | `"none"`          | any        | one process on one device             |
    | `"ddp"`           | PyTorch    | `DistributedDataParallel`, processes  |
    | `"mirrored"`      | TensorFlow | `MirroredStrategy`, GPUs of a process |
    | `"multi_worker"`  | TensorFlow | `MultiWorkerMirroredStrategy`         |
    | `"data_parallel"` | JAX        | `keras.distribution.DataParallel`     |
    | `"auto"`          | any        | that of the backend, where there are  |
    |                   |            | several processes or devices          |

    See `docs/scaling.md` for how processes are started.

    Args:
        name: String, from the table above. Defaults to `"auto"`.
        timeout: Integer. Seconds to wait for the other processes. Defaults to
            `600`.

    Returns:
        `Distribution`.

    Raises:
        ValueError: If the engine is unknown or of another backend, or if the
            environment tells of no other processes, or contradicts itself.
        TrainingStopped: If the processes don't find together.
    """
    backend = keras.config.backend()
    if name not in ("auto", "none", *ENGINES):
        raise ValueError(
            f"`name` must be one of {['auto', 'none', *ENGINES]}. "
            f"Received: name={name!r}"
        )
    if ENGINES.get(name, backend) != backend:
        raise ValueError(
            f"{name!r} must be used with KERAS_BACKEND={ENGINES[name]}. "
            f"Received: KERAS_BACKEND={backend}"
        )
    if name == "none":
        return Distribution()
    processes = read_processes()
    if processes is None and name in ("ddp", "multi_worker"):
        raise ValueError(
            f"{name!r} needs processes that were started together, as "
            "docs/scaling.md shows. Received: no environment variables of any"
        )
    if backend == "torch":
        if processes is None:
            return Distribution()
        from ssdet_keras.training.distribution.torch import TorchDistribution

        return TorchDistribution(processes, timeout)
    if backend == "tensorflow":
        from ssdet_keras.training.distribution import tensorflow as engine
    else:
        from ssdet_keras.training.distribution import jax as engine
    return engine.make(name, processes, timeout)
