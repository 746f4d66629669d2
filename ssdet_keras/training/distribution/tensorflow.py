"""Distributed training on TensorFlow."""

import contextlib
import faulthandler
import functools
import os

import keras
import numpy as np
import tensorflow as tf
from absl import logging
from tensorflow.python.eager import context as tensorflow_context

from ssdet_keras.training.distribution.distribution import Distribution
from ssdet_keras.training.distribution.to_tf_dataset import to_tf_dataset
from ssdet_keras.training.training_stopped import TrainingStopped


def make(name, processes, timeout):
    """Returns the `Distribution` of a name. See `make_distribution`."""
    if processes is None:
        if name == "auto" and len(tf.config.list_physical_devices("GPU")) < 2:
            return Distribution()
        return TensorFlowDistribution(tf.distribute.MirroredStrategy())
    if name == "mirrored":
        raise ValueError(
            "'mirrored' must be used in one process. "
            f"Received: {processes.num_processes} processes"
        )
    resolvers = tf.distribute.cluster_resolver
    if "TF_CONFIG" in os.environ:
        resolver = resolvers.TFConfigClusterResolver()
    else:
        port = int(processes.address.rsplit(":", 1)[1])
        resolver = resolvers.SlurmClusterResolver(port_base=port)
    # The strategy configures it without times, and waits an hour.
    context = tensorflow_context.context()
    context.configure_coordination_service = functools.partial(
        context.configure_coordination_service,
        cluster_register_timeout_in_ms=1000 * timeout,
        heartbeat_timeout_in_ms=1000 * min(timeout, 60),
        shutdown_barrier_timeout_in_ms=1000 * timeout,
    )
    logging.info(
        "Waits %d s for %d processes. Received: rank=%d",
        timeout,
        processes.num_processes,
        processes.rank,
    )
    # It waits on for those that never come, and Python with it.
    faulthandler.dump_traceback_later(timeout, exit=True)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy(
            resolver,
            tf.distribute.experimental.CommunicationOptions(
                timeout_seconds=timeout
            ),
        )
    except (tf.errors.OpError, RuntimeError) as error:
        raise TrainingStopped(processes.explain(error, timeout)) from error
    finally:
        faulthandler.cancel_dump_traceback_later()
    return TensorFlowDistribution(strategy, processes)


class TensorFlowDistribution(Distribution):
    """The devices of one process or of several, with `tf.distribute`.

    Args:
        strategy: `tf.distribute.MirroredStrategy` or
            `tf.distribute.MultiWorkerMirroredStrategy`.
        processes: `Processes`, or `None` for this one alone.
    """

    def __init__(self, strategy, processes=None):
        self._strategy = strategy
        self.num_replicas = strategy.num_replicas_in_sync
        if processes is not None:
            self.rank = processes.rank
            self.num_processes = processes.num_processes

    def scope(self):
        return self._strategy.scope()

    @contextlib.contextmanager
    def replicate(self, model):
        if self.num_processes == 1:
            yield
            return
        strategy = self._strategy

        # Keras 3.15 reduces batches and scalar logs over the workers in ways
        # that `MultiWorkerMirroredStrategy` refuses.
        def build(iterator):
            _, _, batches = next(iter(iterator))
            batch = keras.tree.map_structure(
                lambda value: strategy.experimental_local_results(value)[0],
                next(batches),
            )
            with strategy.scope():
                model._symbolic_build(data_batch=batch)

        def train_step(data):
            logs = type(model).train_step(model, data)
            return keras.tree.map_structure(lambda x: tf.reshape(x, [1]), logs)

        model._maybe_symbolic_build, model.train_step = build, train_step
        try:
            yield
        finally:
            del model._maybe_symbolic_build, model.train_step

    def to_input(self, batches):
        if self.num_processes == 1:
            return batches  # `fit` splits them between the devices.
        dataset = to_tf_dataset(batches)
        dataset = dataset.rebatch(batches.batch_size // self.num_replicas)
        return self._strategy.distribute_datasets_from_function(
            lambda context: dataset.prefetch(1)
        )

    def all_gather(self, array):
        array = np.asarray(array)
        if self.num_processes == 1:
            return array
        # TensorFlow gathers few dtypes. All devices of a process give the same.
        devices = self.num_replicas // self.num_processes
        gathered = self._strategy.run(
            lambda: tf.distribute.get_replica_context().all_gather(
                tf.constant(array[None], "int32"), axis=0
            )
        )
        gathered = self._strategy.experimental_local_results(gathered)[0]
        return np.concatenate(gathered.numpy()[::devices]).astype(array.dtype)

    def is_lost(self, error):
        return self.num_processes > 1 and isinstance(
            error,
            (
                tf.errors.UnavailableError,
                tf.errors.DeadlineExceededError,
                tf.errors.AbortedError,
                tf.errors.InternalError,
            ),
        )
