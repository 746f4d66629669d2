"""Features of whole videos, for temporal heads."""

import numpy as np

from ssdet_keras.data.check_integer import check_integer
from ssdet_keras.data.clip_features import check_features
from ssdet_keras.data.clip_features import find_features
from ssdet_keras.data.frame_labels import labels_at
from ssdet_keras.data.video_source import VideoSource


class FeatureSource(VideoSource):
    """Draws the features of videos, with the labels at their times.

    It is used as a `ClipSource` is, with the same loaders and `ClipBatches`,
    and no frame is read. For training, the videos are shuffled in every epoch.

    A video is drawn as a whole, and the loaders put zeros after those that are
    shorter than the longest of a batch. With `num_steps`, all are as long: of
    a longer video a part is drawn, a random one when training and otherwise
    its middle.

    Args:
        records: `VideoRecords`, or a sequence of `VideoRecord`.
        features: `FeatureFolder`.
        num_steps: Integer or `None`. Steps of each item. Defaults to `None`,
            those of the video.
        multiple: Integer. Without `num_steps`, the steps of an item are
            rounded up to a multiple of it, so that there are few different
            lengths to compile for. Defaults to `1`.
        training: Boolean. Defaults to `True`.
        seed: Integer. Defaults to `0`.
        num_classes: Integer or `None`. Defaults to the number of
            `records.class_names`.
        on_error: `"skip"` to put another video, a random one, in the place of
            one that has no features or whose file can't be read, or
            `"raise"`. Defaults to `"skip"`.

    Returns:
        A sequence of one item per video: a dict of float32 arrays:
        `"features"`, of shape `(steps, channels)`, `"labels"`, multi-hot, of
        shape `(steps, num_classes)`, and `"mask"`, of shape `(steps,)`. Labels
        and mask are zero after the video.

    Raises:
        ValueError: If there are no records or none has features, or an
            argument is out of its range.
        VideoReadError: When an item is drawn, if there are no features of its
            video and `on_error="raise"`, or of no video at all.

    Example:

    ```python
    features = ssdet_keras.data.FeatureFolder("features")
    source = ssdet_keras.data.FeatureSource(records, features)
    batches = ssdet_keras.data.ClipBatches(
        source,
        batch_size=16,
        transform=lambda batch: (
            batch["features"],
            ssdet_keras.training.ignore_padding(batch["labels"], batch["mask"]),
        ),
    )
    model.compile(loss=ssdet_keras.training.DetectionLoss(), ...)
    model.fit(batches, steps_per_epoch=len(batches), epochs=100)
    ```
    """

    def __init__(
        self,
        records,
        features,
        num_steps=None,
        multiple=1,
        training=True,
        seed=0,
        num_classes=None,
        on_error="skip",
    ):
        super().__init__(records, training, seed, num_classes, on_error)
        if num_steps is not None:
            check_integer("num_steps", num_steps, 1)
        check_integer("multiple", multiple, 1)
        check_features(features, records)
        self.features = features
        self.num_steps = num_steps
        self.multiple = multiple

    @property
    def varies_in_length(self):
        return self.num_steps is None

    @property
    def item_shapes(self):
        (channels,) = self.features.shapes["features"]
        return {
            "features": ((self.num_steps, channels), "float32"),
            "labels": ((self.num_steps, self.num_classes), "float32"),
            "mask": ((self.num_steps,), "float32"),
        }

    def _draw(self, video_index, clip, rng):
        record = self.records[video_index]
        features = find_features(self.features, record)
        length = features.num_steps
        num_steps = self.num_steps
        if num_steps is None:
            num_steps = -(-length // self.multiple) * self.multiple
        num_more = max(0, length - num_steps)
        start = num_more // 2
        if self.training:
            start = int(rng.integers(num_more + 1))
        part = slice(start, start + num_steps)
        values = {
            "features": features["features"][part],
            "labels": labels_at(record, features.times[part], self.num_classes),
            "mask": np.ones(min(num_steps, length)),
        }
        item = {}
        for key, value in values.items():
            item[key] = np.zeros((num_steps, *value.shape[1:]), "float32")
            item[key][: len(value)] = value
        return item
