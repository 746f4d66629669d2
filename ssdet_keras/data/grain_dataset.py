"""The grain loader of clips. Only imported where grain is wanted."""

import grain

from ssdet_keras.data.loaders import stack_clips


class ClipDataset(grain.IterDataset):
    """A `grain.IterDataset` of the clips of a `ClipSource`, in batches.

    Args:
        source: `ClipSource`.
        batch_size: Integer.
        drop_remainder: Boolean.
        workers: Integer. Number of threads.
    """

    def __init__(self, source, batch_size, drop_remainder, workers):
        super().__init__()
        self._source = source
        self._batch = {
            "batch_size": batch_size,
            "drop_remainder": drop_remainder,
            "batch_fn": stack_clips,
        }
        # A batch is ready when the one before it has been used.
        num_ahead = batch_size + workers if workers else 0
        self._read_options = grain.ReadOptions(
            num_threads=workers, prefetch_buffer_size=num_ahead
        )

    def __iter__(self):
        epoch = self._source.epoch
        indices = range(self._source.first_index, len(self._source))
        return iter(
            grain.MapDataset.source(indices)
            .map(lambda index: self._source.get_clip(epoch, index))
            .to_iter_dataset(self._read_options)
            .batch(**self._batch)
        )
