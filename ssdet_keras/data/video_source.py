"""What the sources of clips and of features have in common."""

import numpy as np
from absl import logging

from ssdet_keras.data import loaders
from ssdet_keras.data.check_integer import check_integer
from ssdet_keras.data.run_with_timeout import run_with_timeout
from ssdet_keras.data.video_read_error import VideoReadError
from ssdet_keras.data.video_stalled_error import VideoStalledError


class VideoSource:
    """A sequence of items that are drawn of videos.

    Everything that is drawn depends on `(seed, epoch, index)` alone, so that
    items are the same with any loader, backend and number of workers.
    Subclasses draw them, and tell their shapes.

    Args:
        records: `VideoRecords`, or a sequence of `VideoRecord`.
        training: Boolean.
        seed: Integer.
        num_classes: Integer or `None`. Defaults to the number of
            `records.class_names`.
        on_error: `"skip"` or `"raise"`.
        num_clips: Integer. Items of each video per epoch.

    Raises:
        ValueError: If there are no records, an argument is out of its range,
            or no class names tell the number of classes.
    """

    def __init__(
        self, records, training, seed, num_classes, on_error, num_clips=1
    ):
        if len(records) == 0:
            raise ValueError("`records` must hold a video. Received: none")
        if num_classes is None:
            num_classes = len(getattr(records, "class_names", ()))
            if num_classes == 0:
                raise ValueError(
                    "`num_classes` must be given for records without class "
                    "names. Received: num_classes=None"
                )
        check_integer("num_classes", num_classes, 1)
        check_integer("seed", seed, 0)
        check_integer("num_clips", num_clips, 1)
        if on_error not in ("skip", "raise"):
            raise ValueError(
                '`on_error` must be "skip" or "raise". '
                f"Received: on_error={on_error!r}"
            )
        self.records = records
        self.training = training
        self.seed = seed
        self.num_classes = num_classes
        self.on_error = on_error
        self.num_clips = num_clips
        self.epoch = 0
        self.first_index = 0
        self.max_failures = 1.0
        self.failures = {}
        self.read_timeout = None
        # Paths of the videos that are being read, by the read; and reasons of
        # those that took too long, by the path.
        self._in_flight = {}
        self._stalled = {}
        self._order = (None, None)

    @property
    def varies_in_length(self):
        """Whether items differ in their steps, as those of whole videos."""
        return False

    @property
    def item_shapes(self):
        """Dict of key to the shape and the dtype of an item.

        A size that differs between items is `None`.
        """
        raise NotImplementedError

    def __len__(self):
        return len(self.records) * self.num_clips

    def __getitem__(self, index):
        if not -len(self) <= index < len(self):
            raise IndexError(
                f"`index` must be less than {len(self)}. "
                f"Received: index={index}"
            )
        return self.get_clip(self.epoch, index % len(self))

    def set_epoch(self, epoch, first_index=0):
        """Sets the epoch that items are drawn for, from 0.

        Loaders take it over when an iteration over them begins.

        Args:
            epoch: Integer.
            first_index: Integer. The item that loaders begin this epoch with,
                when a run is resumed: the number of clips that were seen, a
                multiple of the batch size. Defaults to `0`.
        """
        if epoch < 0:
            raise ValueError(
                f"`epoch` must not be negative. Received: epoch={epoch}"
            )
        if not 0 <= first_index < len(self):
            raise ValueError(
                f"`first_index` must be in the range [0, {len(self)}). "
                f"Received: first_index={first_index}"
            )
        self.epoch = int(epoch)
        self.first_index = int(first_index)

    def get_clip(self, epoch, index):
        """Returns item `index` of an epoch.

        Args:
            epoch: Integer.
            index: Integer in `[0, len(self))`.
        """
        rng = np.random.default_rng([self.seed, epoch, index])
        video, clip = divmod(self._order_of(epoch)[index], self.num_clips)
        try:
            return self._draw_in_time(video, clip, rng)
        except VideoReadError as error:
            if self.on_error == "raise":
                raise
            first_error = error
            self.add_failure(error.path, error.reason)
        if isinstance(first_error, VideoStalledError):
            # The read that hangs has the other one, and may still draw.
            rng = np.random.default_rng([self.seed, epoch, index])
        for other in rng.permutation(len(self.records)):
            try:
                return self._draw_in_time(other, clip, rng)
            except VideoReadError as error:
                self.add_failure(error.path, error.reason)
                is_stalled = isinstance(error, VideoStalledError)
                if is_stalled and isinstance(first_error, VideoStalledError):
                    raise
        raise VideoReadError(
            first_error.path,
            f"{first_error.reason}; nor can any of the "
            f"{len(self.records):,} videos",
        )

    def _draw_in_time(self, video, clip, rng):
        if self.read_timeout is None:
            return self._draw(video, clip, rng)
        record = self.records[video]
        path = record.path or record.id
        if path in self._stalled:
            raise VideoReadError(path, self._stalled[path])
        read = object()
        self._in_flight[read] = path

        def draw():
            try:
                return self._draw(video, clip, rng)
            finally:
                del self._in_flight[read]

        try:
            return run_with_timeout(draw, self.read_timeout)
        except TimeoutError as error:
            in_flight = sorted({*self._in_flight.copy().values(), path})
            self._stalled[path] = (
                f"not read within {self.read_timeout:g} s; being read: "
                + ", ".join(in_flight)
            )
            raise VideoStalledError(path, self._stalled[path]) from error

    def get_record(self, epoch, index):
        """Returns the record that item `index` of an epoch is drawn from."""
        return self.records[self._order_of(epoch)[index] // self.num_clips]

    def add_failure(self, path, reason):
        """Records a video that can't be read, and logs it once."""
        if path not in self.failures:
            self.failures[path] = reason
            logging.warning("Skipped a video: %s (%s)", path, reason)
        self.check_failures(path, reason, len(self.failures), self.max_failures)

    def check_failures(self, path, reason, num_failures, max_failures):
        """Raises the error of a video that is one too many."""
        num_videos = len(self.records)
        if num_failures > max_failures * num_videos:
            raise VideoReadError(
                path,
                f"{reason}; as {num_failures:,} of {num_videos:,} videos, "
                f"more than a share of {max_failures:g}",
            )

    def report(self):
        """Returns a text that names the videos that could not be read."""
        if not self.failures:
            return "All videos that were drawn could be read."
        lines = [f"{len(self.failures):,} videos could not be read:"]
        lines += [f"  {p}: {r}" for p, r in sorted(self.failures.items())]
        return "\n".join(lines)

    def to_tf_dataset(self, batch_size, drop_remainder=None, workers=2):
        """Returns a `tf.data.Dataset` of one epoch of batches.

        Each iteration over it is of the epoch that `set_epoch()` has set.

        Args:
            batch_size: Integer.
            drop_remainder: Boolean. Whether a last, smaller batch is left
                out. Defaults to `True` when training.
            workers: Integer. Number of threads that read clips; with `0`,
                that of the data set does.
        """
        return loaders.to_tf_dataset(
            self, batch_size, self._drops(drop_remainder), workers
        )

    def to_torch_loader(
        self, batch_size, drop_remainder=None, num_workers=0, **kwargs
    ):
        """Returns a `torch.utils.data.DataLoader` of one epoch of batches.

        Each iteration over it is of the epoch that `set_epoch()` has set.

        Args:
            batch_size: Integer.
            drop_remainder: Boolean. Whether a last, smaller batch is left
                out. Defaults to `True` when training.
            num_workers: Integer. Number of processes that read clips; with
                `0`, the calling process does.
            **kwargs: Keyword arguments of `DataLoader`, such as
                `persistent_workers`, `pin_memory` or
                `multiprocessing_context`.
        """
        return loaders.to_torch_loader(
            self,
            batch_size,
            self._drops(drop_remainder),
            num_workers=num_workers,
            **kwargs,
        )

    def to_grain(self, batch_size, drop_remainder=None, workers=2):
        """Returns a `grain.IterDataset` of one epoch of batches.

        Each iteration over it is of the epoch that `set_epoch()` has set.

        Args:
            batch_size: Integer.
            drop_remainder: Boolean. Whether a last, smaller batch is left
                out. Defaults to `True` when training.
            workers: Integer. Number of threads that read clips; with `0`,
                the calling thread does.
        """
        return loaders.to_grain(
            self, batch_size, self._drops(drop_remainder), workers
        )

    def _drops(self, drop_remainder):
        return self.training if drop_remainder is None else drop_remainder

    def _order_of(self, epoch):
        if not self.training:
            return range(len(self))
        ordered_epoch, order = self._order
        if ordered_epoch != epoch:
            # The fourth number keeps this stream apart from that of clip 0:
            # numpy pads a shorter list of seeds with zeros.
            rng = np.random.default_rng([self.seed, epoch, 0, 1])
            order = rng.permutation(len(self))
            self._order = (epoch, order)
        return order

    def _draw(self, video_index, clip, rng):
        """Returns item `clip` of a video, a dict of arrays."""
        raise NotImplementedError
