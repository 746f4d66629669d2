r"""Time and memory of reading the annotations of many videos.

    python benchmarks/indexing.py

Writes the annotations of a data set as large as Kinetics-400 and as many empty
files in as many folders, once as the official CSV file and once as a folder of
folders, into a temporary folder. Prints one table in Markdown: the seconds of
reading them without and with the file of `cache`, in processes of their own,
and the resident memory that the first one needs on top at its peak and keeps.

The file system has just written these folders, and lists them from memory. Of
a disk, above all of one in a network, it takes longer to list them than to
compare the times of their changes.
"""

import concurrent.futures
import multiprocessing
import os
import pathlib
import tempfile
import time

import numpy as np
from absl import app
from absl import flags
from process_memory import forget_peak
from process_memory import read_status

from ssdet_keras import data

_NUM_CLASSES = flags.DEFINE_integer("num_classes", 400, "Folders.", 1)
_NUM_VIDEOS = flags.DEFINE_integer("num_videos", 600, "Videos per folder.", 1)

_ROUNDS = 3


def write_videos(folder):
    """Writes empty files and a CSV file, and returns its path."""
    rng = np.random.default_rng(0)
    rows = []
    for index in range(_NUM_CLASSES.value):
        label = f"class number {index:03d}"
        parent = os.path.join(folder, "videos", "train", label)
        os.makedirs(parent)
        for number in range(_NUM_VIDEOS.value):
            name = f"{index:04d}_{number:06d}"
            open(os.path.join(parent, f"{name}_000003_000013.mp4"), "w").close()
            rows.append(f"{label},{name},3,13,train\n")
    rng.shuffle(rows)
    path = pathlib.Path(folder) / "train.csv"
    path.write_text(
        "label,youtube_id,time_start,time_end,split\n" + "".join(rows)
    )
    return path


def measure(reader, arguments, cache):
    """Returns the seconds of reading, and the bytes at the peak and kept."""
    kept = read_status("VmRSS")
    forget_peak()
    start = time.perf_counter()
    records = getattr(data, reader)(*arguments, cache=cache)
    seconds = time.perf_counter() - start
    memory = [read_status(name) - kept for name in ("VmHWM", "VmRSS")]
    return seconds, *memory, len(records)


def measure_all(reader, arguments, cache):
    """Returns the medians of `measure`, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    rounds = []
    for _ in range(_ROUNDS):
        with concurrent.futures.ProcessPoolExecutor(1, context) as executor:
            task = executor.submit(measure, reader, arguments, cache)
            rounds.append(task.result())
    return np.median(rounds, axis=0)


def main(argv):
    with tempfile.TemporaryDirectory() as folder:
        path = write_videos(folder)
        root = os.path.join(folder, "videos")
        # A file is kept only of what has not changed just now.
        time.sleep(3)
        print(
            "| reader | records | cold, s | cached, s | MB, peak | MB, kept |"
        )
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        for reader, arguments in (
            ("read_kinetics", (path, root, "train")),
            ("read_videos", (os.path.join(root, "train"),)),
        ):
            cache = os.path.join(folder, f"{reader}.npz")
            cold, peak, kept, count = measure_all(reader, arguments, None)
            getattr(data, reader)(*arguments, cache=cache)
            cached, *_ = measure_all(reader, arguments, cache)
            print(
                f"| `{reader}` | {count:,.0f} | {cold:.2f} | {cached:.3f} "
                f"| {peak / 1e6:.0f} | {kept / 1e6:.0f} |"
            )


if __name__ == "__main__":
    app.run(main)
