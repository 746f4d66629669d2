"""The torch loader of clips. Only imported where torch is wanted."""

import torch

from ssdet_keras.data.loaders import stack_clips


class ClipLoader(torch.utils.data.DataLoader):
    """A `DataLoader` of the clips of a `ClipSource`.

    Videos that worker processes could not read are reported to the source of
    the calling process.

    Args:
        source: `ClipSource`.
        **kwargs: Keyword arguments of `DataLoader`, such as `batch_size`.
    """

    def __init__(self, source, **kwargs):
        super().__init__(
            _Clips(source),
            sampler=_EpochSampler(source),
            collate_fn=_collate,
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
        return len(self._source)

    def __iter__(self):
        epoch = self._source.epoch
        return iter([(epoch, index) for index in range(len(self))])


class _Clips(torch.utils.data.Dataset):
    def __init__(self, source):
        self._source = source

    def __len__(self):
        return len(self._source)

    def __getitem__(self, epoch_and_index):
        clip = self._source.get_clip(*epoch_and_index)
        return clip, dict(self._source.failures)


def _collate(items):
    clips, failures = zip(*items, strict=True)
    batch = {k: torch.from_numpy(v) for k, v in stack_clips(clips).items()}
    return batch, {k: v for found in failures for k, v in found.items()}
