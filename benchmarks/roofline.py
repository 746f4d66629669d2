"""What the machine can do, and what each stage of X3D-M needs of it."""

import itertools
from typing import NamedTuple

import keras
import numpy as np
import ssdet_x3d
import timing
import torch
from torch.nn import functional

from ssdet_keras import models

_FLOAT_BYTES = 4
_COPIED_BYTES = 2**28
_ROWS = 8192
_REPEATS = 10


class Machine(NamedTuple):
    """Rates of all threads together.

    Attributes:
        multiply_adds: Per second, in float32.
        bytes: Per second, read and written.
    """

    multiply_adds: float
    bytes: float


class Stage(NamedTuple):
    """One part of the network, at inference.

    Attributes:
        name: Name of the part, or `"all"`.
        multiply_adds: Number of them.
        bytes: Number of bytes, if every output of a convolution is written
            once, and read once by the next.
        seconds: Measured.
    """

    name: str
    multiply_adds: int
    bytes: int
    seconds: float

    def bounds(self, machine):
        """Returns the seconds that arithmetic and that memory need."""
        return (
            self.multiply_adds / machine.multiply_adds,
            self.bytes / machine.bytes,
        )


def measure_machine(rounds):
    """Returns the rates of the machine, of PyTorch's quickest kernels.

    The arithmetic is the quickest of several products of matrices which fit
    the caches, by the matrix product and by the convolution. The bytes are of
    copying 256 MB over an array that is there.

    Args:
        rounds: Positive integer. The median of them counts.

    Returns:
        `Machine`.
    """
    with torch.no_grad():
        rates = [
            _ROWS * channels**2 / _measure_repeated(run, rounds)
            for channels in (256, 512, 1024)
            for run in _products(channels)
        ]
        source = torch.ones(_COPIED_BYTES // _FLOAT_BYTES)
        target = torch.zeros_like(source)
        seconds = timing.measure(lambda: target.copy_(source), rounds)
    return Machine(max(rates), 2 * _COPIED_BYTES / seconds)


def measure_stages(batch_size, rounds):
    """Returns a list of `Stage`: every part of X3D-M, then the whole.

    Args:
        batch_size: Positive integer.
        rounds: Positive integer. The median of them counts.
    """
    classifier = ssdet_x3d.build()
    runs = {
        name: (_make_run(model, batch_size), 1)
        for name, model in _split(classifier).items()
    }
    timings = timing.interleave(runs, rounds)
    costs = models.count_costs(classifier, ssdet_x3d.CLIP_SHAPE)
    return [
        Stage(
            cost.name,
            batch_size * cost.multiply_adds,
            batch_size * cost.activations * 2 * _FLOAT_BYTES,
            timings[cost.name].seconds,
        )
        for cost in costs
    ]


def _products(channels):
    """Returns functions which multiply rows with a square matrix."""
    rows, matrix = torch.rand(_ROWS, channels), torch.rand(channels, channels)
    pixels = rows.view(1, 128, -1, channels).permute(0, 3, 1, 2)
    kernel = matrix[:, :, None, None]
    return (
        lambda: functional.linear(rows, matrix),
        lambda: functional.conv2d(pixels, kernel),
    )


def _measure_repeated(run, rounds):
    """Returns the seconds of a function that is too short to be measured."""

    def repeat():
        for _ in range(_REPEATS):
            run()

    return timing.measure(repeat, rounds) / _REPEATS


def _split(classifier):
    """Returns the parts of a classifier as models, by the names of costs."""
    backbone = classifier.backbone
    ends = {"input": backbone.input, **backbone.pyramid_outputs}
    names = list(ends)
    parts = {
        end: keras.Model(ends[start], ends[end])
        for start, end in itertools.pairwise(names)
    }
    parts["conv5"] = keras.Model(ends[names[-1]], backbone.output)
    features = keras.Input(backbone.output_shape[1:])
    means = keras.ops.mean(features, axis=(1, 2, 3))
    parts["head"] = keras.Model(features, classifier.head(means))
    return {**parts, "total": classifier}


def _make_run(model, batch_size):
    inputs = np.random.default_rng(0).random(
        (batch_size, *model.input_shape[1:]), dtype="float32"
    )
    return ssdet_x3d.make_forward(model, inputs)
