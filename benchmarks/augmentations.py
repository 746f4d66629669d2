r"""Speed and memory of the volume augmentations beside a plain copy.

    KERAS_BACKEND=torch python benchmarks/augmentations.py
    KERAS_BACKEND=jax python benchmarks/augmentations.py --dtype=uint8

A batch is 8 clips of 16 x 224 x 224. A row is the whole call of a layer, draws
and labels included. All of them run once in every round, so that they see the
same machine, and so does a plain copy of the videos by the same library.
Memory is the peak of what is resident during a call beyond what was before,
the result included, in batches. It is not measured of TensorFlow, which keeps
what it frees. The rows `tf.data` are the time per batch of a data set of one
batch that the layer maps, beside one that copies.
"""

import gc
import os
import pathlib

import keras
import numpy as np
import timing
from absl import app
from absl import flags

from ssdet_keras import layers

_ROUNDS = flags.DEFINE_integer("rounds", 15, "Rounds.", lower_bound=2)
_DTYPE = flags.DEFINE_multi_enum(
    "dtype",
    ["float32", "uint8"],
    ["float32", "uint8"],
    "Of the videos. Default: both, in two tables.",
)
_SHAPE = (8, 16, 224, 224, 3)
_NUM_CLASSES = 400
# Batches of one pass over a data set.
_NUM_BATCHES = 4


def make_batch(dtype):
    """Returns random videos, and a class for each."""
    generator = np.random.default_rng(0)
    videos = generator.integers(256, size=_SHAPE, dtype="uint8")
    classes = generator.integers(_NUM_CLASSES, size=_SHAPE[0])
    labels = np.eye(_NUM_CLASSES, dtype="float32")[classes]
    return {
        "videos": videos.astype(dtype),
        "labels": labels[:, None].repeat(_SHAPE[1], axis=1),
    }


def make_layers(dtype):
    """Returns a dict of name to layer."""

    def freeze(**kwargs):
        return layers.VolumeFreeze(seed=0, dtype=dtype, **kwargs)

    def mix_up(**kwargs):
        return layers.VolumeMixUp(seed=0, dtype=dtype, **kwargs)

    def cut_mix(mode, **kwargs):
        return layers.VolumeCutMix(mode, seed=0, dtype=dtype, **kwargs)

    def joint(strategy, rate):
        return layers.JointVolumeAugmentation(
            [
                freeze(rate=rate),
                mix_up(rate=rate),
                cut_mix("random", rate=rate),
            ],
            strategy=strategy,
            seed=0,
            dtype=dtype,
        )

    return {
        "freeze": freeze(),
        "mix up": mix_up(),
        "cut mix, window": cut_mix("window"),
        "cut mix, view": cut_mix("view"),
        "cut mix, random": cut_mix("random"),
        "joint, single": joint("single", 1.0),
        "joint, independent, each half of the clips": joint("independent", 0.5),
    }


def copy_videos(videos):
    """Returns a copy, by the means of the backend."""
    backend = keras.config.backend()
    if backend == "torch":
        return videos.clone()
    if backend == "jax":
        return videos.copy()
    import tensorflow as tf

    return tf.raw_ops.DeepCopy(x=videos)


def wait(x):
    """Waits for a result that JAX may still compute."""
    if keras.config.backend() == "jax":
        import jax

        jax.block_until_ready(x)


def make_calls(batch, augmentations):
    """Returns a dict of name to a function, the copy first."""
    batch = {k: keras.ops.convert_to_tensor(v) for k, v in batch.items()}
    calls = {"copy": lambda: wait(copy_videos(batch["videos"]))}
    for name, layer in augmentations.items():
        calls[name] = lambda layer=layer: wait(layer(batch))
    return calls


def make_passes(batch, augmentations):
    """Returns a dict of name to a pass over a data set, the copy first."""
    import tensorflow as tf

    def copy(batch):
        return {**batch, "videos": tf.raw_ops.DeepCopy(x=batch["videos"])}

    source = tf.data.Dataset.from_tensors(batch).repeat(_NUM_BATCHES)

    def make_pass(function):
        dataset = source.map(function)

        def run():
            for _ in dataset:
                pass

        return run

    functions = {"copy": copy, **augmentations}
    return {f"tf.data, {k}": make_pass(f) for k, f in functions.items()}


def measure_peak(run):
    """Returns the bytes that become resident during a call."""
    gc.collect()
    trim_memory()
    # Resets the peak of the process.
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = read_status("VmRSS")
    run()
    return read_status("VmHWM") - before


def trim_memory():
    """Gives freed memory back, which would hide what is taken next."""
    import ctypes

    ctypes.CDLL("libc.so.6").malloc_trim(0)


def read_status(key):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    values = [x.split()[1] for x in lines if x.startswith(f"{key}:")]
    return 1024 * int(values[0])


def print_table(calls, num_batches, batch_bytes=None):
    """Times all of `calls` beside the first, and prints a row for each."""
    timings = timing.interleave(
        {name: (run, num_batches) for name, run in calls.items()},
        _ROUNDS.value,
    )
    first = next(iter(timings.values()))
    for name, run in calls.items():
        measured = timings[name]
        memory = "-"
        if batch_bytes is not None:
            memory = f"{measure_peak(run) / batch_bytes:.2f}"
        print(
            f"| {name} | {1e3 * measured.seconds:.1f} | "
            f"{1e3 * measured.low:.1f} to {1e3 * measured.high:.1f} | "
            f"{measured.seconds / first.seconds:.2f} | "
            f"{memory} |",
            flush=True,
        )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    backend = keras.config.backend()
    print(f"{os.cpu_count()} CPUs, keras {keras.__version__}, {backend}")
    for dtype in dict.fromkeys(_DTYPE.value):
        batch = make_batch(dtype)
        print(f"\n### {backend}, {dtype}\n")
        print("| | ms | quartiles | copies | memory, batches |")
        print("| --- | ---: | ---: | ---: | ---: |")
        size = None if backend == "tensorflow" else batch["videos"].nbytes
        augmentations = make_layers(dtype)
        print_table(make_calls(batch, augmentations), 1, size)
        print_table(make_passes(batch, augmentations), _NUM_BATCHES)


if __name__ == "__main__":
    app.run(main)
