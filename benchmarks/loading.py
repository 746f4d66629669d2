r"""Speed of the loaders of clips, beside a bare loop of OpenCV.

    KERAS_BACKEND=torch python benchmarks/loading.py

The videos are generated: 340 x 256 pixels, 10 s at 30 frames per second, H.264
where ffmpeg is installed and MPEG-4 by OpenCV otherwise. A clip is 16 frames at
stride 5, cropped at random to 224 x 224. The bare loop reads exactly the same
clips in one thread: it opens the file, passes over the frames before each that
it wants, decodes that, crops, resizes and converts it. All contenders run once
in every round, so that they see the same machine.
"""

import os
import pathlib
import statistics
import tempfile
import time
from unittest import mock

import cv2
import keras
import numpy as np
from absl import app
from absl import flags

from ssdet_keras import data
from ssdet_keras.data import frame_writers
from ssdet_keras.data.video_file import resize_frame

_MEASURE = flags.DEFINE_multi_enum(
    "measure",
    ["loaders", "start", "waiting", "formats"],
    ["loaders", "start", "waiting", "formats"],
    "Tables to print. Default: all.",
)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds.", lower_bound=2)
_FPS = flags.DEFINE_integer("fps", 30, "Frames per second.", lower_bound=16)
_WORKERS = flags.DEFINE_multi_integer(
    "workers", [0, 1, 2], "Numbers of workers.", lower_bound=0
)
_STEP_MS = flags.DEFINE_float(
    "step_ms",
    500.0,
    "Milliseconds that the consumer of the table `waiting` takes for a batch "
    "of 8 clips.",
    lower_bound=1.0,
)
_HEIGHT, _WIDTH, _SECONDS = 256, 340, 10
_NUM_VIDEOS = 8
# Of each video in a pass.
_NUM_CLIPS = 3
_BATCH_SIZE = 4
_CONSUMED_BATCH_SIZE = 8
_PREFETCH = 2


def make_frames(seed):
    """Returns frames that pan over a texture, with some noise."""
    rng = np.random.default_rng(seed)
    texture = np.zeros((3 * _HEIGHT, 3 * _WIDTH, 3), "float32")
    for scale in (8, 32, 128):
        coarse = rng.normal(size=(scale, scale, 3)).astype("float32")
        texture += cv2.resize(coarse, texture.shape[1::-1]) / scale**0.2
    texture = (128 + 50 * texture).clip(0, 255).astype("uint8")
    phase, speed = rng.uniform(0, 6, 2), rng.uniform(0.5, 1.5, 2)
    frames = []
    for t in range(_SECONDS * _FPS.value):
        place = 0.5 + 0.5 * np.sin(phase + speed * t / _FPS.value)
        top, left = (place * (2 * _HEIGHT, 2 * _WIDTH)).astype(int)
        frame = texture[top : top + _HEIGHT, left : left + _WIDTH]
        noise = rng.integers(-3, 4, frame.shape, "int16")
        frames.append((frame + noise).clip(0, 255).astype("uint8"))
    return np.stack(frames)


def make_records(folder):
    """Writes the videos and returns their records."""
    records = []
    for seed in range(_NUM_VIDEOS):
        path = str(folder / f"{seed}.mp4")
        # The key frames of x264, unless told otherwise, are 250 frames apart.
        with (
            frame_writers.FFmpegWriter(path, _FPS.value, _HEIGHT, _WIDTH, 250)
            if frame_writers.has_ffmpeg()
            else frame_writers.OpenCVWriter(path, _FPS.value, _HEIGHT, _WIDTH)
        ) as writer:
            writer.write(make_frames(seed))
        records.append(
            data.VideoRecord(str(seed), path, segments=((0, 0.0, 10.0),))
        )
    return records


def make_source(records, **kwargs):
    return data.ClipSource(
        records, num_classes=400, num_clips=_NUM_CLIPS, **kwargs
    )


def plan_clips(source):
    """Returns what `VideoFile` is asked to read for the clips of an epoch."""
    clips = []

    def read(video, indices, size, box, past_end):
        clips.append((video.path, indices.tolist(), size, box))
        return np.zeros((len(indices), *size, 3), "uint8")

    with mock.patch.object(data.VideoFile, "read", read):
        for index in range(len(source)):
            source[index]
    return clips


def read_bare(clips):
    """Reads clips by OpenCV, in one thread."""
    for path, indices, size, (top, left, height, width) in clips:
        capture = cv2.VideoCapture(
            path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]
        )
        position, frames = 0, []
        for index in indices:
            while position <= index:
                capture.grab()
                position += 1
            frame = capture.retrieve()[1]
            frame = frame[top : top + height, left : left + width]
            frame = resize_frame(frame, *size)
            frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        np.stack(frames)


def make_loaders(source, batch_size, workers):
    """Returns a dict of name to a loader that can be iterated again."""
    lasting = {"persistent_workers": workers > 0}
    return {
        "torch": source.to_torch_loader(
            batch_size, num_workers=workers, **lasting
        ),
        "tf.data": source.to_tf_dataset(batch_size, workers=workers),
        "grain": source.to_grain(batch_size, workers=workers),
        "ClipBatches": PyDatasetPass(source, batch_size, workers),
    }


class PyDatasetPass:
    """Iterates over as many of `ClipBatches` as make one pass."""

    def __init__(self, source, batch_size, workers):
        self._arguments = source, batch_size
        self._workers = workers

    def __iter__(self):
        batches = data.ClipBatches(
            *self._arguments, workers=self._workers, prefetch=_PREFETCH
        )
        for index in range(len(batches)):
            yield batches[index]
        batches.close()


def time_pass(loader):
    """Returns the seconds of a pass over a loader."""
    start = time.perf_counter()
    for _ in loader:
        pass
    return time.perf_counter() - start


def run_rounds(contenders):
    """Returns quartiles of what functions return, by their names."""
    results = {name: [] for name in contenders}
    for _ in range(1 + _ROUNDS.value):
        for name, run in contenders.items():
            results[name].append(run())
    return {
        name: statistics.quantiles(values[1:], n=4, method="inclusive")
        for name, values in results.items()
    }


def time_bare(clips):
    start = time.perf_counter()
    read_bare(clips)
    return time.perf_counter() - start


def print_loaders(records):
    """Prints the speed of every loader."""
    source = make_source(records)
    clips = plan_clips(source)
    contenders = {("bare loop", 0): lambda: time_bare(clips)}
    for workers in _WORKERS.value:
        for name, loader in make_loaders(source, _BATCH_SIZE, workers).items():
            contenders[name, workers] = lambda x=loader: time_pass(x)
    results = run_rounds(contenders)
    bare = results["bare loop", 0][1]
    print(
        "\n| loader | workers | clips/s | quartiles | of the bare loop times "
        "the cores in use |\n| --- | ---: | ---: | ---: | ---: |"
    )
    for (name, workers), (low, median, high) in results.items():
        cores = min(max(workers, 1), os.cpu_count())
        print(
            f"| {name} | {workers} | {len(clips) / median:.1f} | "
            f"{len(clips) / high:.1f} to {len(clips) / low:.1f} | "
            f"{bare / median / cores:.2f} |"
        )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    codec = "H.264 by ffmpeg" if frame_writers.has_ffmpeg() else "mp4v"
    with tempfile.TemporaryDirectory() as folder:
        records = make_records(pathlib.Path(folder))
        size = sum(os.path.getsize(record.path) for record in records)
        rate = 8e-3 * size / len(records) / _SECONDS
        print(
            f"{os.cpu_count()} CPUs, OpenCV {cv2.__version__}, keras "
            f"{keras.__version__} on {keras.config.backend()}; {codec}, "
            f"{rate:.0f} kbit/s"
        )
        for name in dict.fromkeys(_MEASURE.value):
            TABLES[name](records)


TABLES = {"loaders": print_loaders}


if __name__ == "__main__":
    app.run(main)
