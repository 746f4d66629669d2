"""Distributed training on PyTorch."""

import contextlib
import datetime
import os

import keras
import numpy as np
import torch
import torch.distributed
from torch.nn.parallel import DistributedDataParallel

from ssdet_keras.training.distribution.distribution import Distribution
from ssdet_keras.training.training_stopped import TrainingStopped


class TorchDistribution(Distribution):
    """One process per GPU, or on CPU, with `DistributedDataParallel`.

    Args:
        processes: `Processes`.
        timeout: Integer. Seconds to wait for the other processes.

    Raises:
        TrainingStopped: If the processes don't find together.
    """

    def __init__(self, processes, timeout):
        self.rank = processes.rank
        self.num_processes = self.num_replicas = processes.num_processes
        os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = (
            processes.address.rsplit(":", 1)
        )
        backend = "gloo"
        if torch.cuda.is_available():
            # Small arrays of the CPU travel beside the gradients.
            backend = "cpu:gloo,cuda:nccl"
            torch.cuda.set_device(processes.local_rank)
        try:
            torch.distributed.init_process_group(
                backend,
                rank=self.rank,
                world_size=self.num_processes,
                timeout=datetime.timedelta(seconds=timeout),
            )
        except torch.distributed.DistError as error:
            raise TrainingStopped(processes.explain(error, timeout)) from error

    @contextlib.contextmanager
    def replicate(self, model):
        if self.rank:
            # Or dropout would be the same on all.
            torch.manual_seed(torch.initial_seed() + self.rank)
        model.train_step = _TrainStep(model, self.num_processes)
        try:
            yield
        finally:
            del model.train_step

    def all_gather(self, array):
        array = torch.from_numpy(np.array(array))
        parts = [torch.empty_like(array) for _ in range(self.num_processes)]
        torch.distributed.all_gather(parts, array)
        return torch.cat(parts).numpy()

    def is_lost(self, error):
        # Gloo raises nothing more specific than `RuntimeError`.
        return isinstance(error, torch.distributed.DistError) or (
            isinstance(error, RuntimeError) and "gloo" in str(error)
        )

    def close(self):
        torch.distributed.destroy_process_group()


class _TrainStep:
    """`keras.Model.train_step` of one share of the batch.

    `DistributedDataParallel` averages the gradients in buckets, each as soon as
    the backward pass has computed it. Losses, metrics and moving averages
    become those of all shares too, so that all processes hold the same.
    """

    def __init__(self, model, num_processes):
        self._model = model
        self._num_processes = num_processes
        # It sends the weights of rank 0 to all.
        self._replica = DistributedDataParallel(model)
        self._moving_averages = [
            variable.value
            for layer in model._flatten_layers()
            if isinstance(layer, keras.layers.BatchNormalization)
            for variable in (layer.moving_mean, layer.moving_variance)
        ]

    def __call__(self, data):
        model = self._model
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        y_pred = self._replica(x, training=True)
        model.zero_grad()
        loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
        losses = [m for m in model.metrics if isinstance(m, keras.metrics.Mean)]
        losses[0].update_state(
            loss, sample_weight=len(keras.tree.flatten(x)[0])
        )
        model.optimizer.scale_loss(loss).backward()
        weights = model.trainable_weights
        with torch.no_grad():
            model.optimizer.apply([w.value.grad for w in weights], weights)
            self._average(
                [v.value for loss in losses for v in loss.variables]
                + self._moving_averages
            )
            if len(model.metrics) > len(losses):
                y, y_pred, sample_weight = keras.tree.map_structure(
                    self._gather, (y, y_pred, sample_weight)
                )
        return model.compute_metrics(x, y, y_pred, sample_weight)

    def _average(self, tensors):
        flat = torch.cat([tensor.flatten().float() for tensor in tensors])
        torch.distributed.all_reduce(flat)
        flat /= self._num_processes
        for tensor, mean in zip(
            tensors, flat.split([t.numel() for t in tensors]), strict=True
        ):
            tensor.copy_(mean.view_as(tensor))

    def _gather(self, values):
        if values is None:
            return None
        values = keras.ops.convert_to_tensor(values).detach().contiguous()
        parts = [torch.empty_like(values) for _ in range(self._num_processes)]
        torch.distributed.all_gather(parts, values)
        return torch.cat(parts)
