"""Clips of videos, for training and evaluation."""

import numpy as np
from absl import logging

from ssdet_keras.data import loaders
from ssdet_keras.data.clip_reader import ClipReader
from ssdet_keras.data.clip_reader import check_integer
from ssdet_keras.data.frame_sampling import FrameSampling
from ssdet_keras.data.video_cache import VideoCache
from ssdet_keras.data.video_read_error import VideoReadError


class ClipSource:
    """Draws clips of videos.

    A clip is every `frame_stride`-th frame from a start on, or `frame_rate`
    frames of each second. For training, its start, its square crop and its
    flip are random, the same for all of its frames, and the videos are
    shuffled in every epoch. Otherwise it is the centre of the video, in time
    and in space, and the videos keep their order. The last frame of a shorter
    video is repeated; the mask and the labels are zero there.

    It is a sequence, with which `torch.utils.data.DataLoader(source)` and
    `grain.MapDataset.source(source)` work as well. The loaders below take the
    epoch over, and give equal batches.

    Everything that is drawn depends on `(seed, epoch, index)` alone. So the
    clips are the same with any loader, backend and number of workers, and a
    run can be resumed anywhere.

    Attributes:
        failures: Dict of the path of each video that could not be read to the
            reason.
        max_failures: Float. Share of the videos that may be unreadable. When
            it is exceeded, `VideoReadError` is raised. Is `1.0` until it is
            set.

    Args:
        records: `VideoRecords`, or a sequence of `VideoRecord`.
        num_frames: Integer. Frames per clip. Defaults to `16`.
        frame_stride: Integer. Frames of the video from one frame of the clip
            to the next. Defaults to `5`, unless there is a `frame_rate`.
        size: Integer. Height and width of the clips. Defaults to `224`.
        training: Boolean. Defaults to `True`.
        seed: Integer. Defaults to `0`.
        horizontal_flip: Boolean. Whether every other clip, at random, is
            flipped when training. Defaults to `True`.
        crop_scale: Tuple of floats in `(0, 1]`. Range of the side of the crop
            as a share of the short side. Defaults to `(0.7, 0.875)`, which is
            224 pixels of a short side in `[256, 320]`. The larger one is
            that of the centre crop.
        num_classes: Integer or `None`. Defaults to the number of
            `records.class_names`.
        on_error: `"skip"` to put a clip of another video, a random one, in
            the place of one that can't be read, or `"raise"`.
            Defaults to `"skip"`.
        cache_bytes: Integer. Decoded videos are kept in up to this much
            memory, which makes small data sets much faster. Defaults to `0`.
        frame_rate: Float or `None`. Frames of the clip per second, in place
            of `frame_stride`, for videos of different rates: frame `k` is
            frame `start + round(k * fps / frame_rate)` of a video.
        num_clips: Integer. Clips of each video per epoch, one after the
            other when not training: from its first frames to its last ones,
            at equal distances. `10` is the usual testing on Kinetics.
            Defaults to `1`.

    Returns:
        A sequence of `num_clips` items per video: a dict with `"videos"`,
        uint8, shape `(num_frames, size, size, 3)`, `"labels"`, float32,
        multi-hot, shape `(num_frames, num_classes)`, and `"mask"`, float32,
        shape `(num_frames,)`.

    Raises:
        ValueError: If there are no records, an argument is out of its range,
            or no class names tell the number of classes.
        VideoReadError: When an item is drawn, if its video can't be read and
            `on_error="raise"`, or if no video at all can be read.

    Example:

    ```python
    source = ssdet_keras.data.ClipSource(records, num_frames=16, size=224)
    for epoch in range(100):
        source.set_epoch(epoch)
        for batch in source.to_torch_loader(batch_size=8, num_workers=4):
            ...
    ```
    """

    def __init__(
        self,
        records,
        num_frames=16,
        frame_stride=None,
        size=224,
        training=True,
        seed=0,
        horizontal_flip=True,
        crop_scale=(0.7, 0.875),
        num_classes=None,
        on_error="skip",
        cache_bytes=0,
        frame_rate=None,
        num_clips=1,
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
        check_integer("seed", seed, 0)
        check_integer("num_clips", num_clips, 1)
        if on_error not in ("skip", "raise"):
            raise ValueError(
                '`on_error` must be "skip" or "raise". '
                f"Received: on_error={on_error!r}"
            )
        sampling = FrameSampling(frame_stride, frame_rate)
        self._reader = ClipReader(
            num_frames,
            sampling,
            size,
            num_classes,
            horizontal_flip,
            crop_scale,
        )
        self.records = records
        self.num_frames = num_frames
        self.frame_stride = sampling.frame_stride
        self.frame_rate = frame_rate
        self.size = size
        self.training = training
        self.seed = seed
        self.num_classes = num_classes
        self.on_error = on_error
        self.num_clips = num_clips
        self.epoch = 0
        self.first_index = 0
        self.max_failures = 1.0
        self.failures = {}
        self._cache = VideoCache(cache_bytes)
        self._order = (None, None)

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
            return self._draw(video, clip, rng)
        except VideoReadError as error:
            if self.on_error == "raise":
                raise
            first_error = error
            self.add_failure(error.path, error.reason)
        for other in rng.permutation(len(self.records)):
            try:
                return self._draw(other, clip, rng)
            except VideoReadError as error:
                self.add_failure(error.path, error.reason)
        raise VideoReadError(
            first_error.path,
            f"{first_error.reason}; nor can any of the "
            f"{len(self.records):,} videos",
        )

    def get_record(self, epoch, index):
        """Returns the record that item `index` of an epoch is drawn from."""
        return self.records[self._order_of(epoch)[index] // self.num_clips]

    def add_failure(self, path, reason):
        """Records a video that can't be read, and logs it once."""
        if path not in self.failures:
            self.failures[path] = reason
            logging.warning("Skipped a video: %s (%s)", path, reason)
        num_failures, num_videos = len(self.failures), len(self.records)
        if num_failures > self.max_failures * num_videos:
            raise VideoReadError(
                path,
                f"{reason}; as {num_failures:,} of {num_videos:,} videos, "
                f"more than a share of {self.max_failures:g}",
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
        record = self.records[video_index]
        video = self._cache.open(record.path, fps=record.fps)
        try:
            if self.training:
                return self._reader.read_random(video, record, rng)
            position = (
                clip / (self.num_clips - 1) if self.num_clips > 1 else 0.5
            )
            return self._reader.read_at(video, record, position)
        finally:
            video.close()
