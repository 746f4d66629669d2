r"""Costs of detectors of two streams, beside that of one.

    for backend in torch tensorflow jax; do
        KERAS_BACKEND=$backend python benchmarks/two_streams.py
    done

Multiply-adds and parameters are counted. Times are medians of interleaved
rounds in one process; memory is the peak of a process of its own, above the
built model. `slow stream` is the step of training on cached features.
"""

import concurrent.futures
import math
import multiprocessing

import keras
import numpy as np
import timing
from absl import app
from absl import flags
from process_memory import forget_peak
from process_memory import read_status

from ssdet_keras import models
from ssdet_keras import training

_NUM_FRAMES = flags.DEFINE_integer("num_frames", 16, "Frames per clip.", 1)
_SIZE = flags.DEFINE_integer("size", 224, "Height and width.", 32)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds.", 2)
_MEMORY = flags.DEFINE_bool("memory", True, "Measure peak memory.")
_NUM_CLASSES = 157
_DETECTORS = {
    "slowfast": models.SlowFastDetector,
    "coarse_fine": models.CoarseFineDetector,
}


def build(name):
    """Returns a detector by its name, compiled."""
    keras.utils.set_random_seed(0)
    if name == "x3d":
        detector = models.FrameDetector(models.X3DBackbone("m"), _NUM_CLASSES)
    else:
        streams = [models.X3DBackbone("m") for _ in range(2)]
        detector = _DETECTORS[name](*streams, _NUM_CLASSES)
    detector.compile("sgd", training.DetectionLoss())
    return detector


def make_batch(num_frames, size):
    """Returns one random clip, and its labels."""
    rng = np.random.default_rng(0)
    videos = rng.integers(0, 256, (1, num_frames, size, size, 3), "uint8")
    return videos, np.zeros((1, num_frames, _NUM_CLASSES), "float32")


def count_multiply_adds(detector, clip_shape):
    """Returns NaN where `count_costs` doesn't know a layer."""
    try:
        return models.count_costs(detector, clip_shape)[-1].multiply_adds
    except ValueError:
        return float("nan")


def count_parameters(detector, _):
    return sum(math.prod(x.shape) for x in detector.trainable_weights)


def make_steps(name, batch):
    """Returns a dict of what is measured to a function."""
    videos, labels = batch
    detector = build(name)
    steps = {
        "forward": lambda: detector.predict_on_batch(videos),
        "training": lambda: detector.train_on_batch(videos, labels),
    }
    if isinstance(detector, models.TwoStreamDetector):
        features = detector.fast_stream.predict_on_batch(videos)
        inputs = {
            **features,
            "videos": videos,
            "feature_mask": np.ones(videos.shape[:2], "float32"),
            "feature_start": np.zeros(1, "float32"),
        }
        # A model of its own, whose training does not free what is shared.
        stream = training.SlowStreamTraining(build(name))
        inputs = {x: inputs[x] for x in stream.input_names}
        stream.compile("sgd", training.DetectionLoss())
        steps["slow stream"] = lambda: stream.train_on_batch(inputs, labels)
    return steps


def measure_memory(name, batch):
    """Returns the peak of two training steps, in bytes, above the model."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as executor:
        return executor.submit(_measure_here, name, batch).result()


def _measure_here(name, batch):
    detector = build(name)
    before = read_status("VmRSS")
    forget_peak()
    for _ in range(2):
        detector.train_on_batch(*batch)
    return read_status("VmHWM") - before


def print_row(name, values, first, unit):
    cells = [
        f"{value / unit:,.2f} ({value / one:.2f})"
        for value, one in zip(values, first, strict=True)
    ]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    names = ["x3d", *_DETECTORS]
    batch = make_batch(_NUM_FRAMES.value, _SIZE.value)
    print(
        f"{keras.config.backend()}, {_NUM_FRAMES.value} x {_SIZE.value} x "
        f"{_SIZE.value}, a clip in a batch; in brackets, over x3d\n"
    )
    print(f"| | {' | '.join(names)} |\n|---|{'---:|' * len(names)}")
    detectors = [build(name) for name in names]
    for title, count, unit in (
        ("multiply-adds, G", count_multiply_adds, 1e9),
        ("parameters, M", count_parameters, 1e6),
    ):
        values = [count(x, batch[0].shape[1:]) for x in detectors]
        print_row(title, values, values[:1] * len(names), unit)
    steps = {name: make_steps(name, batch) for name in names}
    timings = timing.interleave(
        {
            (name, title): (step, 1)
            for name in names
            for title, step in steps[name].items()
        },
        _ROUNDS.value,
    )
    # The slow stream takes the place of the training of the whole.
    for title, base in (
        ("forward", "forward"),
        ("training", "training"),
        ("slow stream", "training"),
    ):
        first = timings["x3d", base].seconds
        values = [
            timings.get((name, title), timings[name, base]).seconds
            for name in names
        ]
        print_row(f"{title}, s", values, [first] * len(names), 1)
    if _MEMORY.value:
        values = [measure_memory(name, batch) for name in names]
        print_row(
            "memory of training, GB", values, values[:1] * len(names), 1e9
        )


if __name__ == "__main__":
    app.run(main)
