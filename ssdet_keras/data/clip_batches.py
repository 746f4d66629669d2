"""Batches of clips, for `fit`."""

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from ssdet_keras.data.loaders import check_batches
from ssdet_keras.data.loaders import stack_clips

_KEPT_TIMES = 1000


class ClipBatches(keras.utils.PyDataset):
    """Batches of the clips of a `ClipSource`, for `fit` with any backend.

    When the source is training, this is an endless stream of one pass over the
    videos after the other, each drawn anew, and `fit` must be given
    `steps_per_epoch`, or its first epoch never ends. Keras may ask for batches
    ahead, twice, or for nothing but their shapes: none is lost, repeated or
    drawn for the wrong epoch.

    ```
    source       clips read by `workers` threads
      |
    stack        equal batches, the remainder of a pass is dropped
      |
    augment      one batch after the other, each with its own seed
      |
    transform    (x, y)
    ```

    When the source is not training, this is one pass, with a last, smaller
    batch, to be used without a number of steps.

    Args:
        source: `ClipSource`.
        batch_size: Integer. Clips per batch.
        augment: Callable or `None`. Is called as `augment(batch, seed=seed)`
            with a batch, a dict of arrays, and an integer that depends on
            `(seed, epoch, batch index)` alone. Returns a batch.
        transform: Callable or `None`. Maps the batch to what `fit` takes,
            such as `lambda batch: (batch["videos"], batch["labels"])`.
        seed: Integer. Seed of `augment`. Defaults to `0`.
        workers: Integer. Number of threads that read clips. With `0` the
            calling thread does all the work. Defaults to `1`.
        prefetch: Integer. Number of batches that are made ahead.
            Defaults to `2`.
        steps_per_epoch: Integer or `None`. Number of batches that make up an
            epoch of `fit`, which is `len(batches)`. The stream is the same
            whatever it is. Defaults to one pass over the videos.
        initial_epoch: Integer. The epoch of `fit` to start with, when a run
            is resumed; give it to `fit` too. Defaults to `0`.
        initial_batch: Integer. The batch in this epoch to start with.
            Defaults to `0`.
        rank: Integer. Which of the equal shares of each batch is made, where
            several processes train on it together; each draws `augment` for
            its own share. Defaults to `0`.
        num_processes: Integer. Number of the shares. Defaults to `1`.

    Attributes:
        error: The error that a batch could not be made for, or `None`. Keras
            with TensorFlow raises one of its own in the place of it.

    Raises:
        ValueError: If an argument is out of its range, if the videos don't
            make up a batch, or if batches can't be shared.

    Example:

    ```python
    batches = ssdet_keras.data.ClipBatches(
        source,
        batch_size=16,
        transform=lambda batch: (batch["videos"], batch["labels"]),
    )
    model.fit(batches, steps_per_epoch=len(batches), epochs=10)
    ```
    """

    def __init__(
        self,
        source,
        batch_size,
        augment=None,
        transform=None,
        seed=0,
        workers=1,
        prefetch=2,
        steps_per_epoch=None,
        initial_epoch=0,
        initial_batch=0,
        rank=0,
        num_processes=1,
    ):
        # The queue of Keras starts every epoch anew, and hands on batches
        # that were left over. The threads are those of this class instead.
        super().__init__(workers=1)
        check_batches(source, batch_size, drop_remainder=source.training)
        pass_size = len(source) / batch_size
        self._batches_per_pass = (
            math.floor(pass_size) if source.training else math.ceil(pass_size)
        )
        if not source.training and (
            steps_per_epoch is not None or initial_epoch or initial_batch
        ):
            raise ValueError(
                "A source that is not training is read in one pass. "
                f"Received: steps_per_epoch={steps_per_epoch}, "
                f"initial_epoch={initial_epoch}, initial_batch={initial_batch}"
            )
        if batch_size % num_processes or not (
            source.training or num_processes == 1
        ):
            raise ValueError(
                "Batches that are shared must be of a source that is training, "
                "and their size a multiple of the number of processes. "
                f"Received: batch_size={batch_size}, "
                f"num_processes={num_processes}, training={source.training}"
            )
        if steps_per_epoch is None:
            steps_per_epoch = self._batches_per_pass
        for name, value, lowest in (
            ("seed", seed, 0),
            ("workers", workers, 0),
            ("prefetch", prefetch, 0),
            ("steps_per_epoch", steps_per_epoch, 1),
            ("initial_epoch", initial_epoch, 0),
            ("initial_batch", initial_batch, 0),
        ):
            if value < lowest:
                raise ValueError(
                    f"`{name}` must be at least {lowest}. "
                    f"Received: {name}={value}"
                )
        self.source = source
        self.batch_size = batch_size
        self.augment = augment
        self.transform = transform
        self.seed = seed
        self.steps_per_epoch = steps_per_epoch
        self.prefetch = prefetch if workers else 0
        self.rank = rank
        self.num_processes = num_processes
        self.error = None
        self._first = initial_epoch * steps_per_epoch + initial_batch
        self._readers = self._maker = None
        if workers:
            self._readers = ThreadPoolExecutor(workers)
            # One thread, so that batches are augmented one after the other.
            self._maker = ThreadPoolExecutor(1)
        self._batches = {}
        self._times = {}
        self._lock = threading.Lock()

    def __len__(self):
        return self.steps_per_epoch

    @property
    def num_batches(self):
        """`None`, an endless stream, when training."""
        return None if self.source.training else self._batches_per_pass

    def __getitem__(self, index):
        end = math.inf if self.num_batches is None else self.num_batches
        if not 0 <= index < end:
            raise IndexError(
                f"`index` must be in the range [0, {end}). "
                f"Received: index={index}"
            )
        asked = time.perf_counter()
        try:
            batch = self._get(int(index))
        except Exception as error:
            self.error = error
            raise
        self._times[index] = asked, time.perf_counter()
        self._times.pop(index - _KEPT_TIMES, None)
        return batch

    def _get(self, index):
        if self._maker is None:
            with self._lock:
                return self._make(index)
        end = math.inf if self.num_batches is None else self.num_batches
        with self._lock:
            for ahead in range(index, index + 1 + self.prefetch):
                if ahead < end and ahead not in self._batches:
                    self._batches[ahead] = self._submit(ahead)
            batch = self._batches[index]
            # The first batches stay for a moment: Keras looks at them before
            # it starts.
            for old in [i for i in self._batches if i < index - 1]:
                del self._batches[old]
        return batch.result()

    def position_of(self, index):
        """Returns `(epoch, step)` of `fit` in which a batch is used."""
        return divmod(self._first + index, self.steps_per_epoch)

    def records_of(self, index):
        """Returns the records of the clips of a batch, of all of its shares.

        For a video that can't be read the batch has a clip of another one.
        """
        return [
            self.source.get_record(epoch, clip)
            for epoch, clip in self._clips_of(index)
        ]

    def times_of(self, index):
        """Returns when a batch was asked for, and when it was handed on.

        By `time.perf_counter()`, and kept of the newest 1,000 batches.
        """
        return self._times[index]

    def close(self):
        """Ends the threads. Batches can't be read any more."""
        for executor in (self._readers, self._maker):
            if executor is not None:
                executor.shutdown(wait=True, cancel_futures=True)

    def _submit(self, index):
        clips = [
            self._readers.submit(self.source.get_clip, epoch, clip)
            for epoch, clip in self._share_of(index)
        ]
        return self._maker.submit(
            lambda: self._finish(index, [clip.result() for clip in clips])
        )

    def _make(self, index):
        clips = [self.source.get_clip(*clip) for clip in self._share_of(index)]
        return self._finish(index, clips)

    def _clips_of(self, index):
        """Returns `(epoch, index)` of every clip of a batch."""
        epoch, batch = divmod(self._first + index, self._batches_per_pass)
        first = batch * self.batch_size
        last = min(first + self.batch_size, len(self.source))
        return [(epoch, clip) for clip in range(first, last)]

    def _share_of(self, index):
        size = self.batch_size // self.num_processes
        first = self.rank * size
        return self._clips_of(index)[first : first + size]

    def _finish(self, index, clips):
        batch = stack_clips(clips)
        if self.augment is not None:
            seed = np.random.SeedSequence(
                [
                    self.seed,
                    *divmod(self._first + index, self._batches_per_pass),
                    # Of rank 0, this is the seed without a rank.
                    self.rank,
                ]
            ).generate_state(1)[0]
            batch = self.augment(batch, seed=int(seed) % 2**31)
        return batch if self.transform is None else self.transform(batch)
