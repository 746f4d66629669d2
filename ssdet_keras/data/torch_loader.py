"""The torch loader of clips. Only imported where torch is wanted."""

import functools
import itertools

import torch

from ssdet_keras.data.loaders import stack_clips


class ClipLoader(torch.utils.data.DataLoader):
    """A `DataLoader` of the clips of a `ClipSource`.

    Videos that worker processes could not read are reported to the source of
    the calling process.

    Args:
        source: `ClipSource`.
        worker_init_fn: As of `DataLoader`.
        **kwargs: Other arguments of `DataLoader`, such as `batch_size`.
    """

    def __init__(self, source, worker_init_fn=None, **kwargs):
        super().__init__(
            _Clips(source),
            sampler=_EpochSampler(source),
            collate_fn=functools.partial(_collate, source.varies_in_length),
            worker_init_fn=functools.partial(_start_worker, worker_init_fn),
            **kwargs,
        )
        self._source = source

    def __iter__(self):
        for batch, failures in super().__iter__():
            for path, reason in failures.items():
                self._source.add_failure(path, reason)
            yield batch


class _EpochSampler(torch.utils.data.Sampler):
    """Gives `(epoch, index)`, so that workers need not know the epoch."""

    def __init__(self, source):
        self._source = source

    def __len__(self):
        return len(self._source) - self._source.first_index

    def __iter__(self):
        epoch = self._source.epoch
        indices = range(self._source.first_index, len(self._source))
        return iter([(epoch, index) for index in indices])


class _Clips(torch.utils.data.Dataset):
    def __init__(self, source):
        self._source = source

    def __len__(self):
        return len(self._source)

    def __getitem__(self, epoch_and_index):
        failures = self._source.failures
        num_known = len(failures)
        clip = self._source.get_clip(*epoch_and_index)
        return clip, dict(itertools.islice(failures.items(), num_known, None))


def _collate(varies_in_length, items):
    clips, failures = zip(*items, strict=True)
    if varies_in_length:
        batch = {k: torch.from_numpy(v) for k, v in stack_clips(clips).items()}
    else:
        # Worker processes stack in shared memory, without a copy in between.
        batch = torch.utils.data.default_collate(clips)
    return batch, {k: v for found in failures for k, v in found.items()}


def _start_worker(worker_init_fn, worker_id):
    import cv2

    # A process reads one clip at a time, on its core, and the threads of
    # OpenCV don't survive a fork. `1` would wait for them forever.
    cv2.setNumThreads(0)
    if worker_init_fn is not None:
        worker_init_fn(worker_id)
