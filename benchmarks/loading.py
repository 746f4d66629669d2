r"""Speed of the loaders of clips, beside a bare loop of OpenCV.

    KERAS_BACKEND=torch python benchmarks/loading.py

The videos are generated: 340 x 256 pixels, 10 s at 30 frames per second, H.264
where ffmpeg is installed and MPEG-4 by OpenCV otherwise. A clip is 16 frames at
stride 5, cropped at random to 224 x 224. The bare loop reads exactly the same
clips in one thread: it opens the file, passes over the frames before each that
it wants, decodes that, crops, resizes and converts it. Several bare loops, each
in a process of its own, show what the machine has in it: its cores may share
caches and units. All contenders run once in every round, so that they see the
same machine. As in the recipes, freed memory is kept.
"""

import dataclasses
import functools
import itertools
import multiprocessing
import os
import pathlib
import statistics
import tempfile
import time

import bare_loading
import cv2
import keras
import loading_videos
import numpy as np
from absl import app
from absl import flags

from ssdet_keras import data
from ssdet_keras import training
from ssdet_keras.data import frame_writers

_MEASURE = flags.DEFINE_multi_enum(
    "measure",
    ["loaders", "start", "waiting", "formats"],
    ["loaders", "start", "waiting", "formats"],
    "Tables to print. Default: all.",
)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds.", lower_bound=2)
_READERS = flags.DEFINE_multi_enum(
    "reader",
    ["opencv"],
    ["opencv", "pyav"],
    "What the loaders decode with. Tables of one reader take the first.",
)
_FPS = flags.DEFINE_integer("fps", 30, "Frames per second.", lower_bound=16)
_WORKERS = flags.DEFINE_multi_integer(
    "workers", [0, 1, 2], "Numbers of workers.", lower_bound=0
)
_STEP_MS = flags.DEFINE_multi_float(
    "step_ms",
    [100.0, 250.0],
    "Milliseconds of the consumer in the table `waiting` for 8 clips.",
    lower_bound=1.0,
)
# Of each video in a pass, long enough for its start not to count.
_NUM_CLIPS = 10
_BATCH_SIZE = 4
_CONSUMED_BATCH_SIZE = 8
_PREFETCH = 2


def make_source(records, **kwargs):
    return data.ClipSource(
        records,
        num_classes=400,
        **{
            "num_clips": _NUM_CLIPS,
            "reader": _READERS.value[0],
            **kwargs,
        },
    )


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
    """Returns the seconds until the last batch of a pass over a loader."""
    start = end = time.perf_counter()
    for _ in loader:
        end = time.perf_counter()
    return end - start


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


def print_header(*columns):
    print(f"\n| {' | '.join(columns)} |")
    print("| --- " + "| ---: " * (len(columns) - 1) + "|")


def print_loaders(records):
    """Prints the speed of every loader."""
    clips = bare_loading.plan_clips(make_source(records))
    contenders = {}
    # That of one is what the others are compared with.
    for workers in sorted({1, *_WORKERS.value} - {0}):
        contenders["bare loops", workers] = lambda x=workers: (
            bare_loading.time_loops(clips, x)
        )
    for reader, workers in itertools.product(_READERS.value, _WORKERS.value):
        source = make_source(records, reader=reader)
        for name, loader in make_loaders(source, _BATCH_SIZE, workers).items():
            contenders[f"{name}, {reader}", workers] = functools.partial(
                time_pass, loader
            )
    results = run_rounds(contenders)
    bare = next(iter(results.values()))[1]
    print_header(
        "loader",
        "workers",
        "clips/s",
        "quartiles",
        "of a bare loop times the cores in use",
    )
    for (name, workers), (low, median, high) in results.items():
        cores = min(max(workers, 1), os.cpu_count())
        print(
            f"| {name} | {workers} | {len(clips) / median:.1f} | "
            f"{len(clips) / high:.1f} to {len(clips) / low:.1f} | "
            f"{bare / median / cores:.2f} |"
        )


def print_start(records):
    """Prints what workers cost before and beside their work."""
    print_header("loader", "workers", "s to the first batch", "MB per process")
    for workers in _WORKERS.value:
        for name in make_loaders(make_source(records), _BATCH_SIZE, workers):
            seconds = []
            for _ in range(_ROUNDS.value):
                loaders = make_loaders(
                    make_source(records), _BATCH_SIZE, workers
                )
                start = time.perf_counter()
                iterator = iter(loaders[name])
                next(iterator)
                seconds.append(time.perf_counter() - start)
                memory = [
                    read_memory(process.pid)
                    for process in multiprocessing.active_children()
                ]
                for _ in iterator:
                    pass
            megabytes = f"{np.mean(memory):.0f}" if memory else "-"
            print(
                f"| {name} | {workers} | {statistics.median(seconds):.2f} | "
                f"{megabytes} |"
            )


def read_memory(pid):
    """Returns the megabytes of a process, its share of what is shared."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    (line,) = (x for x in text.splitlines() if x.startswith("Pss:"))
    return 1024 * int(line.split()[1]) / 1e6


def print_waiting(records):
    """Prints how long consumers wait that are as fast as a GPU."""
    source = make_source(records, num_clips=15)
    workers = max(_WORKERS.value)
    loaders = make_loaders(source, _CONSUMED_BATCH_SIZE, workers)
    results = run_rounds(
        {
            (name, step): functools.partial(wait_share, loader, step / 1000)
            for name, loader in loaders.items()
            for step in _STEP_MS.value
        }
    )
    print_header(
        f"loader, {workers} workers",
        *[
            f"% of the time waited, {step:g} ms for {_CONSUMED_BATCH_SIZE}"
            for step in _STEP_MS.value
        ],
    )
    for name in loaders:
        shares = [100 * results[name, step][1] for step in _STEP_MS.value]
        print(f"| {name} | {' | '.join(f'{x:.0f}' for x in shares)} |")


def wait_share(loader, step):
    """Returns the share of its time that a consumer waits for batches."""
    waits, start = [], time.perf_counter()
    for _ in loader:
        waits.append(time.perf_counter() - start)
        time.sleep(step)
        start = time.perf_counter()
    # The first batches were read ahead, or waited for the start.
    waits = waits[len(waits) // 2 :]
    return sum(waits) / (sum(waits) + step * len(waits))


def print_formats(records):
    """Prints what preparing the videos gains, in one thread."""
    folder = pathlib.Path(records[0].path).parent
    sources = {"as they are": make_source(records)}
    for format, suffix in (("mp4", ".mp4"), ("frames", "")):
        target = folder / format
        target.mkdir()
        prepared = []
        for record in records:
            path = str(target / (record.id + suffix))
            data.prepare_video(record.path, path, format=format)
            prepared.append(
                dataclasses.replace(record, path=path, fps=_FPS.value)
            )
        sources[f"prepare_video(), {format}"] = make_source(prepared)
    sources["as they are, cache_bytes"] = make_source(
        records, cache_bytes=10**10
    )
    results = run_rounds(
        {name: functools.partial(time_pass, x) for name, x in sources.items()}
    )
    first = results["as they are"][1]
    print_header("videos", "MB", "clips/s", "times as quick")
    for name, (_, median, _) in results.items():
        size = sum(measure_size(r.path) for r in sources[name].records)
        print(
            f"| {name} | {size / 1e6:.1f} | "
            f"{len(sources[name]) / median:.1f} | {first / median:.2f} |"
        )


def measure_size(path):
    """Returns the bytes of a file, or of the files in a folder."""
    path = pathlib.Path(path)
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    training.keep_freed_memory()
    codec = "H.264 by ffmpeg" if frame_writers.has_ffmpeg() else "mp4v"
    with tempfile.TemporaryDirectory() as folder:
        records = loading_videos.make_records(pathlib.Path(folder), _FPS.value)
        size = sum(os.path.getsize(record.path) for record in records)
        rate = 8e-3 * size / len(records) / loading_videos.SECONDS
        print(
            f"{os.cpu_count()} CPUs, OpenCV {cv2.__version__}, keras "
            f"{keras.__version__} on {keras.config.backend()}; {codec}, "
            f"{rate:.0f} kbit/s"
        )
        for name in dict.fromkeys(_MEASURE.value):
            TABLES[name](records)


TABLES = {
    "loaders": print_loaders,
    "start": print_start,
    "waiting": print_waiting,
    "formats": print_formats,
}


if __name__ == "__main__":
    app.run(main)
