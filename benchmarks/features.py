r"""Time of writing and reading the features of videos.

    python benchmarks/features.py

Writes features of random values as large as those of X3D-M, in float16, into a
temporary folder, and prints one table in Markdown. The files have just been
written, and are read from memory: a disk adds the time to read their bytes.
The bare reading is that of the same bytes of one file per map into arrays.
"""

import os
import tempfile
import time

import numpy as np
from absl import app
from absl import flags
from timing import interleave
from timing import measure

from ssdet_keras import data
from ssdet_keras.data.clip_features import ClipFeatures
from ssdet_keras.data.frame_sampling import FrameSampling

_NUM_VIDEOS = flags.DEFINE_integer(
    "num_videos", 10_000, "Videos of the folder that is opened.", 1
)
_NUM_STEPS = flags.DEFINE_integer(
    "num_steps", 2_000, "Steps of a long video.", 256
)
_MAPS = {"stage1": 24, "stage2": 48, "stage3": 96, "stage4": 192, "output": 432}
_WINDOW = 128
_ROUNDS = 9


def make_part(num_steps):
    """Returns the pyramid of X3D-M for some steps."""
    rng = np.random.default_rng(0)
    part = {
        name: rng.random((num_steps, 7, 7, channels), "float32")
        for name, channels in _MAPS.items()
    }
    part["features"] = rng.random((num_steps, 432), "float32")
    return part


def write_long(folder):
    """Writes a long video. Returns the seconds."""
    part = make_part(100)
    num_parts = _NUM_STEPS.value // 100
    start = time.perf_counter()
    data.write_features(
        folder, "long", [part] * num_parts, 100 * num_parts, 24, 10
    )
    return time.perf_counter() - start


def read_bare(paths, start):
    """Reads the steps of a window from files of one map each."""
    return {
        name: np.fromfile(
            path,
            "float16",
            count=_WINDOW * size,
            offset=2 * start * size,
        )
        for name, (path, size) in paths.items()
    }


def main(argv):
    del argv
    rows = []
    with tempfile.TemporaryDirectory() as root:
        small = os.path.join(root, "small")
        features = np.ones((72, 432), "float32")
        for number in range(_NUM_VIDEOS.value):
            data.write_features(
                small, f"{number}", [{"features": features}], 72, 24, 10
            )
        seconds = measure(lambda: data.FeatureFolder(small), rounds=3)
        rows.append((f"open a folder of {_NUM_VIDEOS.value:,} videos", seconds))
        source = data.FeatureSource(
            [data.VideoRecord(f"{i}", "-") for i in range(32)],
            data.FeatureFolder(small),
            num_classes=157,
        )
        seconds = measure(lambda: [source[i] for i in range(32)], _ROUNDS) / 32
        rows.append(("an item of `FeatureSource`, 72 steps", seconds))

        large = os.path.join(root, "large")
        seconds = write_long(large)
        num_bytes = os.path.getsize(os.path.join(large, "long.safetensors"))
        rows.append(
            (f"write a pyramid of {num_bytes / 2**20:,.0f} MiB", seconds)
        )
        folder = data.FeatureFolder(large)
        reader = ClipFeatures(folder, _WINDOW, 64, FrameSampling(10))
        paths = {}
        for name, array in folder["long"].items():
            path = os.path.join(root, name)
            array.tofile(path)
            paths[name] = path, array[0].size
        record = data.VideoRecord("long", "-")
        middle = folder["long"].num_steps // 2
        timings = interleave(
            {
                "bare": (lambda: read_bare(paths, middle), 1),
                "ours": (lambda: reader.read(record, None, 10 * middle), 1),
            },
            _ROUNDS,
        )
        rows.append(
            (f"bare reading of {_WINDOW} steps", timings["bare"].seconds)
        )
        rows.append((f"{_WINDOW} steps around a clip", timings["ours"].seconds))
    print("| | ms |\n|---|---|")
    for name, seconds in rows:
        print(f"| {name} | {1e3 * seconds:,.2f} |")


if __name__ == "__main__":
    app.run(main)
