"""What the engines of distributed training have in common."""

import contextlib
import json

import keras
import numpy as np


class Distribution:
    """One process on one device, and the interface of the engines.

    Every process runs the same program, reads its share of each batch, and
    holds the same weights after each step. The one of rank 0 writes files.

    Attributes:
        rank: Integer. Number of this process.
        num_processes: Integer.
        num_replicas: Integer. Copies of the model, one on each device of each
            process, between which a batch is split.
        host_device: String. The CPU, for `keras.device`.

    Example:

    ```python
    distribution = ssdet_keras.training.make_distribution()
    with distribution.scope():
        model = ...
        model.compile("sgd", ssdet_keras.training.DetectionLoss())
    ssdet_keras.training.train(
        model, source, workdir, batch_size=8 * distribution.num_replicas,
        num_epochs=10, steps_per_epoch=500, distribution=distribution,
    )
    distribution.close()
    ```
    """

    rank = 0
    num_processes = 1
    num_replicas = 1
    host_device = "cpu:0"

    @property
    def is_main(self):
        """Whether this is the process that writes files."""
        return self.rank == 0

    def scope(self):
        """Returns the context that models are built and loaded in."""
        return contextlib.nullcontext()

    def alone(self):
        """Returns the context in which one process computes by itself."""
        return contextlib.nullcontext()

    def replicate(self, model):
        """Returns the context in which `fit` trains a model on all devices."""
        return contextlib.nullcontext()

    def to_input(self, batches):
        """Returns what `fit` takes in the place of `ClipBatches`."""
        is_tensorflow = keras.backend.backend() == "tensorflow"
        if is_tensorflow and batches.source.varies_in_length:
            # Here, as it imports TensorFlow.
            from ssdet_keras.training.distribution.to_tf_dataset import (
                to_tf_dataset,
            )

            return to_tf_dataset(batches)
        return batches

    def all_gather(self, array):
        """Returns the arrays of all processes, joined along the first axis.

        Every process must call this at the same place of the program, with an
        array of the same shape and dtype.
        """
        return np.asarray(array)

    def all_gather_objects(self, value):
        """Returns a list of the values of all processes, which JSON can hold.

        Every process must call this at the same place of the program.
        """
        content = np.frombuffer(json.dumps(value).encode(), "uint8")
        sizes = self.all_gather(np.array([content.size], "int32"))
        content = np.pad(content, (0, sizes.max() - content.size))
        rows = np.split(self.all_gather(content), self.num_processes)
        return [
            json.loads(row[:size].tobytes().decode())
            for row, size in zip(rows, sizes, strict=True)
        ]

    def is_lost(self, error):
        """Returns whether an error says that another process has ended."""
        return False

    def close(self):
        """Leaves the other processes, once all of them have come here."""
