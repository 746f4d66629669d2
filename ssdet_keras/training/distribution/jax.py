"""Distributed training on JAX."""

import contextlib

import jax
import keras
from jax.experimental import multihost_utils

from ssdet_keras.training.distribution.distribution import Distribution
from ssdet_keras.training.training_stopped import TrainingStopped


def make(name, processes, timeout):
    """Returns the `Distribution` of a name. See `make_distribution`."""
    if name == "auto" and processes is None and jax.device_count() == 1:
        return Distribution()
    return JaxDistribution(processes, timeout)


class JaxDistribution(Distribution):
    """All devices of all processes, with `keras.distribution.DataParallel`.

    Arrays are those of all devices, of which each holds a part. So batch
    normalisation, metrics and random numbers are of the whole batch.

    Args:
        processes: `Processes`, or `None` for this one alone.
        timeout: Integer. Seconds to wait for the other processes.

    Raises:
        TrainingStopped: If the processes don't find together.
    """

    def __init__(self, processes, timeout):
        if processes is not None:
            try:
                jax.distributed.initialize(
                    processes.address,
                    processes.num_processes,
                    processes.rank,
                    initialization_timeout=timeout,
                    heartbeat_timeout_seconds=min(timeout, 60),
                )
            except RuntimeError as error:
                reason = processes.explain(error, timeout)
                raise TrainingStopped(reason) from error
        self.rank = jax.process_index()
        self.num_processes = jax.process_count()
        self.num_replicas = jax.device_count()
        host = jax.local_devices(backend="cpu")[0]
        self.host_device = f"cpu:{host.id}"
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )

    @contextlib.contextmanager
    def alone(self):
        # Under it, arrays can't be made without the other processes.
        shared = keras.distribution.distribution()
        keras.distribution.set_distribution(None)
        try:
            yield
        finally:
            keras.distribution.set_distribution(shared)

    def all_gather(self, array):
        return multihost_utils.process_allgather(array, tiled=True)

    def is_lost(self, error):
        text = str(error)
        # Gloo's errors come as `ValueError`.
        return (
            self.num_processes > 1
            and "RESOURCE_EXHAUSTED" not in text
            and (
                isinstance(error, jax.errors.JaxRuntimeError) or "Gloo" in text
            )
        )

    def close(self):
        keras.distribution.set_distribution(None)
        jax.distributed.shutdown()
