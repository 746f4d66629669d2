r"""Time of training temporal heads on features.

    KERAS_BACKEND=torch python benchmarks/head_training.py

Writes random features of videos of 100 to 300 steps, and trains every head on
them, at its published sizes, as `train_head.py` does. Prints the seconds of an
epoch in Markdown, by those of some of its steps, with the reading of the
features, and with the compiling of batches of new lengths. The first epoch,
which compiles more, comes before it.
"""

import contextlib
import functools
import tempfile
import time

import keras
import numpy as np
from absl import app
from absl import flags

from ssdet_keras import data
from ssdet_keras import models
from ssdet_keras.recipes import head_models
from ssdet_keras.recipes.head_settings import HEAD_SETTINGS

_HEADS = flags.DEFINE_list("heads", list(HEAD_SETTINGS), "Heads.")
_CHANNELS = flags.DEFINE_list(
    "channels", ["432", "1024"], "Channels: those of X3D, and of I3D."
)
_NUM_VIDEOS = flags.DEFINE_integer("num_videos", 200, "Videos.", 32)
_NUM_CLASSES = flags.DEFINE_integer("num_classes", 157, "Classes.", 1)
_STEPS = flags.DEFINE_integer(
    "steps", None, "Steps that are timed. Default: an epoch.", 1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "Videos per step. Default: that of the head.", 1
)


class EpochTimes(keras.callbacks.Callback):
    """Takes the seconds of each epoch."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self._start)


def write_features(folder, num_channels):
    """Writes the features of all videos, and returns their records."""
    rng = np.random.default_rng(0)
    records = []
    for number in range(_NUM_VIDEOS.value):
        num_steps = int(rng.integers(100, 301))
        data.write_features(
            folder,
            f"{number}",
            [{"features": rng.random((num_steps, num_channels), "float32")}],
            num_steps,
            fps=24,
            stride=10,
        )
        duration = num_steps * 10 / 24
        segments = tuple(
            (int(rng.integers(_NUM_CLASSES.value)), *sorted(times))
            for times in rng.uniform(0, duration, (6, 2))
        )
        records.append(
            data.VideoRecord(
                f"{number}", "-", duration=duration, segments=segments
            )
        )
    return records


def train(name, records, features):
    """Returns the batch size, and the seconds per step of two epochs."""
    settings = HEAD_SETTINGS[name]
    batch_size = _BATCH_SIZE.value or settings.batch_size
    (num_channels,) = features.shapes["features"]
    head = models.make_head(name, _NUM_CLASSES.value)
    model, _ = head_models.make_models(head, num_channels)
    head_models.compile_model(model, 1e-4)
    source = data.FeatureSource(
        records,
        features,
        num_steps=settings.num_steps,
        num_classes=_NUM_CLASSES.value,
    )
    batches = data.ClipBatches(
        source,
        batch_size,
        transform=functools.partial(
            head_models.to_example, with_heat_map=isinstance(model.output, dict)
        ),
    )
    num_steps = _STEPS.value or len(batches)
    times = EpochTimes()
    with contextlib.closing(batches):
        model.fit(
            batches,
            steps_per_epoch=num_steps,
            epochs=2,
            shuffle=False,
            callbacks=[times],
            verbose=0,
        )
    return batch_size, *(seconds / num_steps for seconds in times.seconds)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    backend = keras.config.backend()
    print("| backend | head | channels | batch | s per step | s per epoch |")
    print("|---|---|---:|---:|---:|---:|")
    for channels in _CHANNELS.value:
        with tempfile.TemporaryDirectory() as folder:
            records = write_features(folder, int(channels))
            features = data.FeatureFolder(folder)
            for name in _HEADS.value:
                batch_size, _, step = train(name, records, features)
                epoch = step * _NUM_VIDEOS.value / batch_size
                print(
                    f"| {backend} | {name} | {channels} | {batch_size} "
                    f"| {step:.2f} | {epoch:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    app.run(main)
