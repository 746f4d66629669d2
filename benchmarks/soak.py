r"""Reads 10,000 clips, and watches the memory of the process.

    KERAS_BACKEND=torch OMP_NUM_THREADS=1 python benchmarks/soak.py

Clips of 8 frames of small synthetic videos go through `ClipBatches`, each read
in a thread of its own, as `--read_timeout` does. Prints the memory after every
tenth of them, and fails if it has grown by more than a share of itself since
the second tenth. Without `keep_freed_memory()`, whose heap is never trimmed:
what is counted is what is in use.
"""

import pathlib
import sys
import tempfile

from absl import app
from absl import flags
from process_memory import read_status

from ssdet_keras import data
from ssdet_keras.data import generate

_NUM_CLIPS = flags.DEFINE_integer("num_clips", 10_000, "Clips to read.", 100)
_WORKERS = flags.DEFINE_integer("workers", 2, "Threads that read.", 0)
_GROWTH = flags.DEFINE_float("growth", 0.02, "Share that memory may grow.", 0)

_BATCH_SIZE = 10


def read_clips(records):
    """Returns the resident bytes after each tenth of the clips."""
    source = data.ClipSource(records, num_frames=8, frame_stride=2, size=56)
    source.read_timeout = 300
    batches = data.ClipBatches(source, _BATCH_SIZE, workers=_WORKERS.value)
    num_batches = _NUM_CLIPS.value // _BATCH_SIZE
    tenth = num_batches // 10
    memory = []
    for index in range(num_batches):
        batches[index]
        if (index + 1) % tenth == 0:
            memory.append(read_status("VmRSS"))
            clips = (index + 1) * _BATCH_SIZE
            print(f"| {clips:,} | {memory[-1] / 2**20:.1f} |", flush=True)
    batches.close()
    return memory


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        generate.generate_kinetics(
            root, num_train=20, num_val=0, size=64, duration=1, verbose=False
        )
        records = data.read_kinetics(
            root / "kinetics" / "train.csv", root / "kinetics" / "videos"
        )
        print("| clips | MiB |\n| ---: | ---: |")
        memory = read_clips(records)
    growth = max(memory[1:]) / memory[1] - 1
    print(f"\nGrown by {100 * growth:.2f} % since the second row.")
    if growth > _GROWTH.value:
        sys.exit(1)


if __name__ == "__main__":
    app.run(main)
