r"""Speed and memory of X3D-M beside PyTorchVideo, on one machine.

    pip install --no-deps -r benchmarks/requirements.txt
    KERAS_BACKEND=torch python benchmarks/x3d.py
    KERAS_BACKEND=jax python benchmarks/x3d.py --measure=forward,training

The clips are 16 x 224 x 224. Both networks have the same weights, which is
checked first: those of PyTorchVideo are loaded into ours. All contenders of a
table run once in every round, so that they see the same machine. Times are
medians, with quartiles; the ratio is to the first row.

    forward    inference
    training   step of SGD with momentum on cross entropy
    predict    `model.predict`, beside a plain call
    fit        `model.fit`, beside a plain step
    memory     peak resident memory of training, each in a process of its own
    roofline   each part of ours, beside what the processor and the memory allow

The last two are of the CPU. On a GPU:

    KERAS_BACKEND=torch python benchmarks/x3d.py --batch_size=32 \
        --dtype=bfloat16 --measure=forward,training
"""

import os
import pathlib
import tempfile

import contenders
import keras
import numpy as np
import peak_memory
import pytorchvideo_x3d
import roofline
import ssdet_x3d
import timing
import torch
from absl import app
from absl import flags

from ssdet_keras import models
from ssdet_keras import training

_MEASURES = ["forward", "training", "predict", "fit", "memory", "roofline"]
_MEASURE = flags.DEFINE_list("measure", _MEASURES, "What to measure.")
_ROUNDS = flags.DEFINE_integer(
    "rounds",
    None,
    "Rounds. Default: 15, and 7 of training and fit.",
    lower_bound=2,
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    None,
    "Clips in a batch. Default: 1, and 2 of training, fit and memory.",
    lower_bound=1,
)
_DTYPE = flags.DEFINE_enum(
    "dtype",
    "float32",
    ["float32", "bfloat16"],
    "What to compute in. The weights stay float32.",
)

_KEEP_FREED_MEMORY = flags.DEFINE_bool(
    "keep_freed_memory",
    False,
    "Call `training.keep_freed_memory` first, which serves all contenders.",
)

# Of `predict` and `fit`, in one call.
_NUM_BATCHES = 8
# Of the logits, in their standard deviations.
_TOLERANCES = {"float32": 1e-3, "bfloat16": 1e-1}


@flags.validator(_MEASURE.name)
def _are_measures(names):
    unknown = set(names) - set(_MEASURES)
    if unknown:
        raise flags.ValidationError(
            f"--measure must be some of {','.join(_MEASURES)}. "
            f"Received: {','.join(sorted(unknown))}"
        )
    return True


def make_clips(batch_size):
    """Returns random clips, as if normalised, and their labels."""
    generator = np.random.default_rng(0)
    clips = generator.standard_normal(
        (batch_size, *ssdet_x3d.CLIP_SHAPE), dtype="float32"
    )
    return clips, generator.integers(400, size=batch_size, dtype="int32")


def print_row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def print_header(title, *columns):
    print(f"\n### {title}\n")
    print_row(*columns)
    print_row("---", *["---:"] * (len(columns) - 1))


def print_machine():
    """Prints what the results depend on."""
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [x.split(": ")[1] for x in lines if x.startswith("model name")]
    backend = keras.config.backend()
    gpu = pytorchvideo_x3d.DEVICE.type == "cuda"
    facts = {
        "processor": f"{names[0] if names else 'unknown'}, {len(names)} CPUs",
        "device of PyTorch": torch.cuda.get_device_name() if gpu else "cpu",
        "threads of PyTorch": torch.get_num_threads(),
        "keras": keras.__version__,
        "torch": torch.__version__,
        backend: __import__(backend).__version__,
        "GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", "not set"),
        "keep_freed_memory": _KEEP_FREED_MEMORY.value,
    }
    for name, fact in facts.items():
        print(f"- {name}: {fact}")


def print_timings(title, batch_size, timings):
    print_header(
        f"{title}, batches of {batch_size}, {_DTYPE.value}",
        "",
        "ms",
        "quartiles",
        "clips/s",
        "page faults",
        "ratio",
    )
    first = next(iter(timings.values()))
    for name, measured in timings.items():
        print_row(
            name,
            f"{1e3 * measured.seconds:.1f}",
            f"{1e3 * measured.low:.1f} to {1e3 * measured.high:.1f}",
            f"{batch_size / measured.seconds:.2f}",
            f"{measured.page_faults:,.0f}",
            f"{measured.seconds / first.seconds:.2f}",
        )


def check_same_network():
    """Prints how far the logits of both networks with same weights differ."""
    clips, _ = make_clips(2)
    reference = pytorchvideo_x3d.build(torch.channels_last_3d)
    pytorchvideo_x3d.adapt_statistics(reference, clips)
    classifier = ssdet_x3d.build(_DTYPE.value)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x3d_m.pyth"
        torch.save(reference.network.state_dict(), path)
        models.load_checkpoint(classifier, path)
    expected = pytorchvideo_x3d.make_forward(reference, clips)().cpu().numpy()
    logits = keras.ops.convert_to_numpy(
        ssdet_x3d.make_forward(classifier, clips)()
    )
    difference = np.abs(logits - expected).max() / expected.std()
    print(
        "- logits of both with the weights of PyTorchVideo: differ by at most "
        f"{difference:.1e} of their standard deviation, {expected.std():.2g}"
    )
    if difference > _TOLERANCES[_DTYPE.value]:
        raise RuntimeError("The networks are not the same.")


def measure_forward():
    batch_size = _BATCH_SIZE.value or 1
    clips, _ = make_clips(batch_size)
    timings = timing.interleave(
        {
            name: (contenders.make_forward(name, clips, _DTYPE.value), 1)
            for name in contenders.NAMES
        },
        _ROUNDS.value or 15,
    )
    print_timings("forward", batch_size, timings)


def measure_training():
    batch_size = _BATCH_SIZE.value or 2
    batch = make_clips(batch_size)
    timings = timing.interleave(
        {
            name: (
                contenders.make_training_step(name, *batch, _DTYPE.value),
                1,
            )
            # What a third one frees would cost the next one page faults.
            for name in (contenders.CHANNELS_LAST, contenders.OURS)
        },
        _ROUNDS.value or 7,
    )
    print_timings("training", batch_size, timings)


def measure_predict():
    batch_size = _BATCH_SIZE.value or 1
    clips, _ = make_clips(batch_size * _NUM_BATCHES)
    classifier = ssdet_x3d.build(_DTYPE.value)
    forward = ssdet_x3d.make_forward(classifier, clips[:batch_size])

    def call():
        for _ in range(_NUM_BATCHES):
            forward()

    def predict():
        classifier.predict(clips, batch_size=batch_size, verbose=0)

    timings = timing.interleave(
        {"call": (call, _NUM_BATCHES), "predict": (predict, _NUM_BATCHES)},
        _ROUNDS.value or 15,
    )
    print_timings("predict", batch_size, timings)


def measure_fit():
    batch_size = _BATCH_SIZE.value or 2
    clips, labels = make_clips(batch_size * _NUM_BATCHES)
    step = ssdet_x3d.make_training_step(
        ssdet_x3d.build(_DTYPE.value), clips[:batch_size], labels[:batch_size]
    )
    classifier = ssdet_x3d.build(_DTYPE.value)
    ssdet_x3d.compile_for_fit(classifier)

    def steps():
        for _ in range(_NUM_BATCHES):
            step()

    def fit():
        classifier.fit(clips, labels, batch_size=batch_size, verbose=0)

    timings = timing.interleave(
        {"step": (steps, _NUM_BATCHES), "fit": (fit, _NUM_BATCHES)},
        _ROUNDS.value or 7,
    )
    print_timings("fit", batch_size, timings)


def measure_memory():
    batch_size = _BATCH_SIZE.value or 2
    batch = make_clips(batch_size)
    print_header(
        f"memory of training, batches of {batch_size}, {_DTYPE.value}",
        "",
        "MB",
        "ratio",
    )
    first = None
    for name in contenders.NAMES:
        peak = peak_memory.measure_peak_memory(name, *batch, _DTYPE.value)
        first = first or peak
        print_row(name, f"{peak / 1e6:.0f}", f"{peak / first:.2f}")


def measure_roofline():
    batch_size = _BATCH_SIZE.value or 1
    rounds = _ROUNDS.value or 15
    machine = roofline.measure_machine(rounds)
    stages = roofline.measure_stages(batch_size, rounds)
    print_header(
        f"roofline, batches of {batch_size}, float32: "
        f"{machine.multiply_adds / 1e9:.0f} G multiply-adds/s, "
        f"{machine.bytes / 1e9:.1f} GB/s",
        "",
        "M multiply-adds",
        "MB",
        "ms of arithmetic",
        "ms of memory",
        "ms measured",
        "measured / larger",
    )
    for stage in stages:
        bounds = stage.bounds(machine)
        print_row(
            stage.name,
            f"{stage.multiply_adds / 1e6:.0f}",
            f"{stage.bytes / 1e6:.1f}",
            *(f"{1e3 * bound:.2f}" for bound in bounds),
            f"{1e3 * stage.seconds:.2f}",
            f"{stage.seconds / max(bounds):.2f}",
        )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    measures = {
        "forward": measure_forward,
        "training": measure_training,
        "predict": measure_predict,
        "fit": measure_fit,
        "memory": measure_memory,
        "roofline": measure_roofline,
    }
    if _KEEP_FREED_MEMORY.value:
        training.keep_freed_memory()
    print_machine()
    check_same_network()
    for name in _MEASURE.value:
        measures[name]()


if __name__ == "__main__":
    app.run(main)
