"""Clips of videos, for training and evaluation."""

import numpy as np
from absl import logging

from ssdet_keras.data import loaders
from ssdet_keras.data.frame_labels import labels_at
from ssdet_keras.data.geometry import centre_box
from ssdet_keras.data.geometry import random_box
from ssdet_keras.data.video_cache import VideoCache
from ssdet_keras.data.video_read_error import VideoReadError


class ClipSource:
    """Draws one clip of each video per epoch.

    A clip is every `frame_stride`-th of `(num_frames - 1) * frame_stride + 1`
    frames. For training, its start, its square crop and its flip are random,
    the same for all of its frames, and the videos are shuffled in every
    epoch. Otherwise it is the centre of the video, in time and in space, and
    the videos keep their order. The last frame of a shorter video is
    repeated; the mask and the labels are zero there.

    Everything that is drawn depends on `(seed, epoch, index)` alone. So the
    clips are the same with any loader, backend and number of workers, and a
    run can be resumed anywhere.

    Args:
        records: `VideoRecords`, or a sequence of `VideoRecord`.
        num_frames: Integer. Frames per clip. Defaults to `16`.
        frame_stride: Integer. Frames of the video from one frame of the clip
            to the next. Defaults to `5`.
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

    Returns:
        A sequence of one item per video: a dict with `"videos"`, uint8, shape
        `(num_frames, size, size, 3)`, `"labels"`, float32, multi-hot, shape
        `(num_frames, num_classes)`, and `"mask"`, float32, shape
        `(num_frames,)`.

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
        frame_stride=5,
        size=224,
        training=True,
        seed=0,
        horizontal_flip=True,
        crop_scale=(0.7, 0.875),
        num_classes=None,
        on_error="skip",
        cache_bytes=0,
    ):
        if num_classes is None:
            num_classes = len(getattr(records, "class_names", ()))
        self._check_arguments(
            records,
            crop_scale,
            on_error,
            seed=seed,
            num_frames=num_frames,
            frame_stride=frame_stride,
            size=size,
            num_classes=num_classes,
        )
        self.records = records
        self.num_frames = num_frames
        self.frame_stride = frame_stride
        self.size = size
        self.training = training
        self.seed = seed
        self.horizontal_flip = horizontal_flip
        self.crop_scale = tuple(crop_scale)
        self.num_classes = num_classes
        self.on_error = on_error
        self.epoch = 0
        self.failures = {}
        self._cache = VideoCache(cache_bytes)
        self._order = (None, None)

    def __len__(self):
        return len(self.records)

    def __getitem__(self, index):
        if not -len(self) <= index < len(self):
            raise IndexError(
                f"`index` must be less than {len(self)}. "
                f"Received: index={index}"
            )
        return self.get_clip(self.epoch, index % len(self))

    def set_epoch(self, epoch):
        """Sets the epoch that items are drawn for, from 0.

        Loaders take it over when an iteration over them begins.
        """
        if epoch < 0:
            raise ValueError(
                f"`epoch` must not be negative. Received: epoch={epoch}"
            )
        self.epoch = int(epoch)

    def get_clip(self, epoch, index):
        """Returns item `index` of an epoch.

        Args:
            epoch: Integer.
            index: Integer in `[0, len(self))`.
        """
        rng = np.random.default_rng([self.seed, epoch, index])
        record = self.records[self._video_order(epoch)[index]]
        try:
            return self._draw(record, rng)
        except VideoReadError as error:
            if self.on_error == "raise":
                raise
            first_error = error
            self.add_failure(error.path, error.reason)
        for other in rng.permutation(len(self)):
            try:
                return self._draw(self.records[other], rng)
            except VideoReadError as error:
                self.add_failure(error.path, error.reason)
        raise VideoReadError(
            first_error.path,
            f"{first_error.reason}; nor can any of the {len(self):,} videos",
        )

    def add_failure(self, path, reason):
        """Records a video that can't be read, and logs it once."""
        if path not in self.failures:
            self.failures[path] = reason
            logging.warning("Skipped a video: %s (%s)", path, reason)

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
            workers: Integer. Number of clips that are read at the same time.
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
            workers: Integer. Number of threads that read clips.
        """
        return loaders.to_grain(
            self, batch_size, self._drops(drop_remainder), workers
        )

    def _drops(self, drop_remainder):
        return self.training if drop_remainder is None else drop_remainder

    def _video_order(self, epoch):
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

    def _draw(self, record, rng):
        video = self._cache.open(record.path, fps=record.fps)
        try:
            span = (self.num_frames - 1) * self.frame_stride + 1
            num_starts = max(1, video.num_frames - span + 1)
            height, width = video.height, video.width
            if self.training:
                start = int(rng.integers(num_starts))
                box = random_box(height, width, self.crop_scale, rng)
                is_flipped = self.horizontal_flip and rng.random() < 0.5
            else:
                start = (num_starts - 1) // 2
                box = centre_box(height, width, self.crop_scale[1])
                is_flipped = False
            indices = start + self.frame_stride * np.arange(self.num_frames)
            videos = video.read(
                indices,
                size=(self.size, self.size),
                box=box,
                past_end="repeat",
            )
            mask = (indices < video.num_frames).astype("float32")
            labels = labels_at(record, indices / video.fps, self.num_classes)
        finally:
            video.close()
        if is_flipped:
            videos = np.ascontiguousarray(videos[:, :, ::-1])
        return {
            "videos": videos,
            "labels": labels * mask[:, None],
            "mask": mask,
        }

    def _check_arguments(self, records, crop_scale, on_error, **integers):
        if len(records) == 0:
            raise ValueError("`records` must hold a video. Received: none")
        if integers["num_classes"] == 0:
            raise ValueError(
                "`num_classes` must be given for records without class names. "
                "Received: num_classes=None"
            )
        for name, value in integers.items():
            lowest = 0 if name == "seed" else 1
            if isinstance(value, bool) or not (
                isinstance(value, int | np.integer) and value >= lowest
            ):
                raise ValueError(
                    f"`{name}` must be an integer of at least {lowest}. "
                    f"Received: {name}={value!r}"
                )
        if len(crop_scale) != 2 or not (
            0 < crop_scale[0] <= crop_scale[1] <= 1
        ):
            raise ValueError(
                "`crop_scale` must be a range in (0, 1]. "
                f"Received: crop_scale={crop_scale}"
            )
        if on_error not in ("skip", "raise"):
            raise ValueError(
                '`on_error` must be "skip" or "raise". '
                f"Received: on_error={on_error!r}"
            )
