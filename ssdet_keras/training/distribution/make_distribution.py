"""The choice of an engine."""

import keras

from ssdet_keras.training.distribution.distribution import Distribution
from ssdet_keras.training.distribution.processes import read_processes

# The names of engines, and their backends.
ENGINES = {"ddp": "torch"}


def make_distribution(name="auto", timeout=600):
    """Finds the other processes and devices of a run.

    Call it once, before any other computation.

    Args:
        name: `"none"` for one process on one device; `"ddp"` for PyTorch's
            `DistributedDataParallel`, under `torchrun` or `srun`; or `"auto"`,
            which is the engine of the backend where the environment tells of
            several processes, and `"none"` elsewhere.
        timeout: Integer. Seconds to wait for the other processes.

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
    if processes is None:
        if name == "auto":
            return Distribution()
        raise ValueError(
            f"{name!r} needs processes that were started by torchrun or srun. "
            "Received: none of their environment variables"
        )
    from ssdet_keras.training.distribution.torch import TorchDistribution

    return TorchDistribution(processes, timeout)
