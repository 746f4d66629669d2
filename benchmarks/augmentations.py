r"""Speed and memory of the volume augmentations beside a plain copy.

    KERAS_BACKEND=torch python benchmarks/augmentations.py
    KERAS_BACKEND=jax python benchmarks/augmentations.py --dtype=uint8

A batch is 8 clips of 16 x 224 x 224. A row is the whole call of a layer, draws
and labels included. All of them run once in every round, so that they see the
same machine, and so does a plain copy of the videos by the same library.

Memory is the peak of what becomes resident during a call, the result included,
in batches. What the library keeps of freed memory is held by copies meanwhile,
so that the call has to ask for its own.

The rows `tf.data` are the time of the next batch of a data set that repeats one
batch and maps the layer, beside one that copies.
"""

import gc
import os

import keras
import numpy as np
import timing
from absl import app
from absl import flags
from process_memory import forget_peak
from process_memory import read_status

from ssdet_keras import layers
from ssdet_keras import training

_ROUNDS = flags.DEFINE_integer("rounds", 15, "Rounds.", lower_bound=2)
_DTYPE = flags.DEFINE_multi_enum(
    "dtype",
    ["float32", "uint8"],
    ["float32", "uint8"],
    "Of the videos. Default: both, in two tables.",
)
_KEEP_FREED_MEMORY = flags.DEFINE_bool(
    "keep_freed_memory",
    False,
    "Call `training.keep_freed_memory` first, so that no call clears pages.",
)
# Calls whose memory is measured.
_NUM_PEAKS = 3
_SHAPE = (8, 16, 224, 224, 3)
_NUM_CLASSES = 400


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
    """Waits for a result that JAX may still compute, and returns it."""
    if keras.config.backend() == "jax":
        import jax

        jax.block_until_ready(x)
    return x


def make_calls(batch, augmentations):
    """Returns a dict of name to a function, the copy first."""
    calls = {"copy": lambda: wait(copy_videos(batch["videos"]))}
    for name, layer in augmentations.items():
        calls[name] = lambda layer=layer: wait(layer(batch))
    return calls


def make_iterations(batch, augmentations):
    """Returns a dict of name to the next batch of a data set."""
    import tensorflow as tf

    def copy(batch):
        return {**batch, "videos": tf.raw_ops.DeepCopy(x=batch["videos"])}

    options = tf.data.Options()
    # Nothing is computed before it is asked for.
    options.experimental_optimization.inject_prefetch = False
    source = tf.data.Dataset.from_tensors(batch).repeat()

    def make_iteration(function):
        iterator = iter(source.map(function).with_options(options))
        return lambda: next(iterator)

    functions = {"copy": copy, **augmentations}
    return {f"tf.data, {k}": make_iteration(f) for k, f in functions.items()}


def measure_peak(run, videos):
    """Returns the most bytes that become resident during one of some calls."""
    gc.collect()
    held, peaks = hold_kept_memory(videos), []
    for _ in range(_NUM_PEAKS):
        # Resets the peak of the process.
        forget_peak()
        before = read_status("VmRSS")
        # Other threads may have kept memory of their own for the first.
        held.append(run())
        peaks.append(read_status("VmHWM") - before)
    return max(peaks)


def hold_kept_memory(videos):
    """Returns copies of the videos, which take all blocks of their size.

    The first that is not in kept memory is the last.
    """
    size = keras.ops.convert_to_numpy(videos).nbytes
    copies = []
    while True:
        before = read_status("VmRSS")
        copies.append(wait(copy_videos(videos)))
        if read_status("VmRSS") - before > 0.9 * size:
            return copies


def print_row(name, measured, first, memory):
    print(
        f"| {name} | {1e3 * measured.seconds:.1f} | "
        f"{1e3 * measured.low:.1f} to {1e3 * measured.high:.1f} | "
        f"{measured.seconds / first.seconds:.2f} | {memory} |",
        flush=True,
    )


def print_tables(dtype):
    """Prints a row for each layer, and one for each in `tf.data`."""
    batch = make_batch(dtype)
    augmentations = make_layers(dtype)
    tensors = {k: keras.ops.convert_to_tensor(v) for k, v in batch.items()}
    calls = make_calls(tensors, augmentations)
    timings = time_calls(calls)
    for name, run in calls.items():
        peak = measure_peak(run, tensors["videos"]) / batch["videos"].nbytes
        print_row(name, timings[name], timings["copy"], f"{peak:.2f}")
    timings = time_calls(make_iterations(batch, augmentations))
    for name, measured in timings.items():
        print_row(name, measured, timings["tf.data, copy"], "-")


def time_calls(calls):
    """Returns a dict of name to timing."""
    contenders = {name: (run, 1) for name, run in calls.items()}
    return timing.interleave(contenders, _ROUNDS.value)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    backend = keras.config.backend()
    print(f"{os.cpu_count()} CPUs, keras {keras.__version__}, {backend}")
    if _KEEP_FREED_MEMORY.value:
        training.keep_freed_memory()
        print("with training.keep_freed_memory()")
    for dtype in dict.fromkeys(_DTYPE.value):
        print(f"\n### {backend}, {dtype}\n")
        print("| | ms | quartiles | copies | memory, batches |")
        print("| --- | ---: | ---: | ---: | ---: |")
        print_tables(dtype)


if __name__ == "__main__":
    app.run(main)
