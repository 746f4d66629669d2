r"""Prints parameters, multiply-adds, activations and receptive field of models.

Of all variants of X3D, beside the published figures:

    python recipes/model_summary.py

Of the parts of one model, for the clips of its variant or for others:

    python recipes/model_summary.py --variant=m --model=detector \
        --num_classes=157 --frames=64
    python recipes/model_summary.py --checkpoint=runs/joint/model.keras

Nothing is run: see `ssdet_keras.models.count_costs` for what is counted.
"""

import math
import sys

from absl import app
from absl import flags

from ssdet_keras import models
from ssdet_keras.recipes.keras_file import load_keras_file

# Frames and size of the clips, and parameters in millions and multiply-adds in
# billions, of Tables 2 and 3 of https://arxiv.org/abs/2004.04730.
_PUBLISHED = {
    "xs": (4, 160, 3.76, 0.60),
    "s": (13, 160, 3.76, 1.96),
    "m": (16, 224, 3.76, 4.73),
    "l": (16, 312, 6.08, 18.37),
    "xl": (16, 312, 10.99, 35.84),
}

_TWO_STREAMS = {
    "slowfast": models.SlowFastDetector,
    "coarse_fine": models.CoarseFineDetector,
}

_VARIANT = flags.DEFINE_enum(
    "variant", None, list(_PUBLISHED), "Variant of X3D. Default: all of them."
)
_MODEL = flags.DEFINE_enum(
    "model",
    "classifier",
    ["backbone", "classifier", "detector", *_TWO_STREAMS],
    "What is built of --variant.",
)
_NUM_CLASSES = flags.DEFINE_integer(
    "num_classes", 400, "Classes of a classifier or detector.", 1
)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "Saved model, a .keras file, in place of --variant."
)
_FRAMES = flags.DEFINE_integer(
    "frames", None, "Frames per clip. Default: as published.", 1
)
_HEIGHT = flags.DEFINE_integer(
    "height", None, "Height of the clip. Default: as published.", 1
)
_WIDTH = flags.DEFINE_integer(
    "width", None, "Width of the clip. Default: as published.", 1
)


def markdown(header, rows):
    """Returns the lines of a table whose columns are as wide as needed."""
    widths = [
        max(map(len, column)) for column in zip(header, *rows, strict=True)
    ]
    rule = ["-" * (width - 1) + ":" for width in widths]
    rule[0] = "-" * widths[0]
    lines = []
    for row in (header, rule, *rows):
        cells = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def count_kernels(model):
    """Returns the number of weights in kernels: no biases, no batch norms."""
    return sum(
        math.prod(weight.shape)
        for weight in model.trainable_weights
        if len(weight.shape) > 1
    )


def summarize_variants():
    """Returns the lines of a table of all variants."""
    rows = []
    for variant, (
        frames,
        size,
        parameters,
        multiply_adds,
    ) in _PUBLISHED.items():
        model = models.VideoClassifier(models.X3DBackbone(variant), 400)
        *_, total = models.count_costs(model, (frames, size, size, 3))
        rows.append(
            (
                variant,
                f"{frames} x {size} x {size}",
                f"{total.parameters:,}",
                f"{count_kernels(model) / 1e6:.2f}",
                f"{parameters:.2f}",
                f"{total.multiply_adds / 1e9:.3f}",
                f"{multiply_adds:.2f}",
                f"{total.activations / 1e6:.1f}",
                " x ".join(map(str, total.receptive_field)),
            )
        )
    header = (
        "variant",
        "clip",
        "parameters",
        "of kernels, M",
        "published, M",
        "multiply-adds, G",
        "published, G",
        "activations, M",
        "receptive field",
    )
    return markdown(header, rows)


def summarize(model, clip_shape):
    """Returns the lines of a table of the parts of one model."""
    rows = [
        (
            part.name,
            " x ".join(map(str, part.output_shape)),
            f"{part.parameters:,}",
            f"{part.multiply_adds / 1e6:,.1f}",
            f"{part.activations / 1e6:,.3f}",
            " x ".join(map(str, part.receptive_field)),
        )
        for part in models.count_costs(model, clip_shape)
    ]
    header = (
        "part",
        "outputs",
        "parameters",
        "multiply-adds, M",
        "activations, M",
        "receptive field",
    )
    return markdown(header, rows)


def make_model():
    """Returns the model that the flags describe."""
    if _CHECKPOINT.value is not None:
        return load_keras_file(_CHECKPOINT.name, _CHECKPOINT.value)
    backbone = models.X3DBackbone(_VARIANT.value)
    if _MODEL.value == "classifier":
        return models.VideoClassifier(backbone, _NUM_CLASSES.value)
    if _MODEL.value == "detector":
        return models.FrameDetector(backbone, _NUM_CLASSES.value)
    if _MODEL.value in _TWO_STREAMS:
        fast = models.X3DBackbone(_VARIANT.value)
        two_streams = _TWO_STREAMS[_MODEL.value]
        return two_streams(backbone, fast, _NUM_CLASSES.value)
    return backbone


def make_clip_shape(model):
    """Returns the shape of the clip that the flags describe."""
    backbone = getattr(model, "slow", getattr(model, "backbone", model))
    variant = getattr(backbone, "variant", None)
    frames, size, *_ = _PUBLISHED.get(variant, (None, None))
    shape = (
        _FRAMES.value or frames,
        _HEIGHT.value or size,
        _WIDTH.value or size,
        3,
    )
    if None in shape:
        raise app.UsageError(
            "The backbone has no published clip: set --frames, --height and "
            "--width."
        )
    return shape


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    if _VARIANT.value is not None and _CHECKPOINT.value is not None:
        raise app.UsageError("Set one of --variant and --checkpoint.")
    if _VARIANT.value is None and _CHECKPOINT.value is None:
        lines = summarize_variants()
    else:
        model = make_model()
        try:
            lines = summarize(model, make_clip_shape(model))
        except ValueError as error:
            raise app.UsageError(str(error)) from error
    lines += [
        "",
        "Receptive field: frames, height and width that one output sees along "
        "the convolutions.",
        "Squeeze-excite, and the mean before the head of a classifier, see the "
        "whole clip.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    app.run(main)
