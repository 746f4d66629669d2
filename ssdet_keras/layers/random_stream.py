"""Seeds that keep random streams apart."""

import multiprocessing
import sys
import zlib

import numpy as np


def stream_seed(seed, name, worker=()):
    """Returns the seed of one of many independent streams.

    Keras with PyTorch adds the number of the call to the seed, so that the
    streams of seeds 0 and 1 would be the same, shifted by one call. Those of
    the seeds that this function returns are not.

    Args:
        seed: Integer. Seed of a layer.
        name: String. Layers of other kinds draw other numbers from a seed.
        worker: Tuple of integers. What `worker_key()` returns.

    Returns:
        Integer in `[0, 2**31)`.
    """
    entropy = (seed % 2**64, zlib.crc32(name.encode()))
    sequence = np.random.SeedSequence(entropy, spawn_key=worker)
    return int(sequence.generate_state(1)[0] >> 1)


def worker_key():
    """Returns integers that tell this worker process from all others.

    Workers start with copies of the layers of their parent process, which
    would draw the same numbers in each worker, and again in the new workers
    of the next epoch.

    Returns:
        An empty tuple in the main process. In a worker of a PyTorch
        `DataLoader`, its seed, which is another one in each epoch, and is
        reproducible with `torch.manual_seed()` or the generator of the loader.
        In any other process of `multiprocessing`, its number among those that
        its parent has started.
    """
    # Not imported: where PyTorch is not loaded, this is none of its workers.
    torch_data = sys.modules.get("torch.utils.data")
    worker = torch_data.get_worker_info() if torch_data is not None else None
    if worker is not None:
        return (worker.seed,)
    # Names and `pid` won't do: loaders give one name to all, and the system
    # another `pid` in every run.
    return multiprocessing.current_process()._identity


def is_loader_worker():
    """Returns whether this process prepares batches for another one.

    A process that was spawned and may have children of its own is none: it is
    a trainer on one of several devices, as `torch.multiprocessing.spawn()`
    starts them. Workers of PyTorch and grain are daemons.
    """
    if not worker_key():
        return False
    process = multiprocessing.current_process()
    spawn = multiprocessing.get_context("spawn")
    return process.daemon or not isinstance(process, spawn.Process)
