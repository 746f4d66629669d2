r"""Converts public PyTorch checkpoints of backbones to `.keras` files.

    python recipes/convert_checkpoint.py --checkpoint=x3d_m.pyth \
        --variant=m --output=x3d_m.keras

X3D of PyTorchVideo, PySlowFast and X3D-Multigrid (with Coarse-Fine Networks and
SSDet), I3D of pytorch-i3d and the ResNet-50 of PyTorchVideo are told apart by
the names of their tensors; see docs/checkpoints.md. An I3D of flow takes the
videos that extract_flow.py makes. `--model=detector` gives a `FrameDetector`,
to detect or fine-tune with; another `--num_classes` than that of the checkpoint
starts with a new output layer:

    python recipes/convert_checkpoint.py --checkpoint=x3d_charades.pt \
        --model=detector --normalize=charades --output=detector.keras

The saved file is loaded again, and compared on a clip, layer by layer, with the
checkpoint executed in plain PyTorch. The largest differences are printed and
written to NAME.parity.json. Where that of the last layer exceeds a thousandth
of its standard deviation (or of one, if that is larger), no file is left.
"""

import json
import pathlib

import keras
import numpy as np
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import layers
from ssdet_keras import models
from ssdet_keras.models.layouts.i3d_layout import I3DLayout
from ssdet_keras.models.layouts.resnet3d_layout import ResNet3DLayout
from ssdet_keras.models.layouts.x3d_layouts import X3DLayout
from ssdet_keras.recipes import i3d_in_torch
from ssdet_keras.recipes import resnet3d_in_torch
from ssdet_keras.recipes import x3d_in_torch

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "PyTorch file: .pth, .pyth or .pt.", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Model to write, a .keras file.", required=True
)
_MODEL = flags.DEFINE_enum(
    "model",
    "classifier",
    ["classifier", "detector"],
    "Whether clips or frames are classified.",
)
_NUM_CLASSES = flags.DEFINE_integer(
    "num_classes", None, "Default: those of the checkpoint.", 1
)
_VARIANT = flags.DEFINE_enum(
    "variant", "m", ["xs", "s", "m", "l", "xl"], "X3D of the checkpoint."
)
_WIDTH = flags.DEFINE_float("width", 1, "Factor on the channels.", 0.1, 8)
_DEPTH = flags.DEFINE_float("depth", 1, "Factor on the blocks.", 0.1, 8)
_NORMALIZE = flags.DEFINE_enum(
    "normalize",
    None,
    ["kinetics", "charades", "pytorchvideo"],
    "Statistics of the pixels that the checkpoint was trained on. Default: "
    "those of PyTorchVideo and PySlowFast for their layouts.",
)
_TOLERANCE = 1e-3


def make_model(checkpoint):
    if isinstance(checkpoint.layout, X3DLayout):
        make_backbone = make_x3d
    elif isinstance(checkpoint.layout, I3DLayout):
        make_backbone = make_i3d
    elif isinstance(checkpoint.layout, ResNet3DLayout):
        make_backbone = make_resnet3d
    else:
        raise app.UsageError(
            "--checkpoint must be of X3D, I3D or a 3D ResNet. Received: a "
            f"checkpoint in the layout of {checkpoint.layout.name}"
        )
    backbone = make_backbone(checkpoint)
    if checkpoint.num_classes is None:
        raise app.UsageError(
            "--checkpoint must have an output layer. "
            f"Received: --checkpoint={_CHECKPOINT.value}"
        )
    num_classes = _NUM_CLASSES.value or checkpoint.num_classes
    if _MODEL.value == "detector":
        return models.FrameDetector(backbone, num_classes)
    return models.VideoClassifier(backbone, num_classes)


def make_x3d(checkpoint):
    normalize = _NORMALIZE.value or checkpoint.layout.pixel_statistics
    if normalize is None:
        raise app.UsageError(
            "--normalize must be set for the layout of "
            f"{checkpoint.layout.name}: to kinetics if the checkpoint was "
            "trained on Kinetics, to charades if on Charades."
        )
    return models.X3DBackbone(
        _VARIANT.value,
        normalize=normalize,
        width=_WIDTH.value,
        depth=_DEPTH.value,
    )


def make_i3d(checkpoint):
    kernel = checkpoint.tensors.get("stem/conv/kernel")
    is_flow = kernel is not None and kernel.shape[1] == 2
    return models.I3DBackbone(
        "flow" if is_flow else "rgb", input_shape=(None, None, None, 3)
    )


def make_resnet3d(checkpoint):
    return models.ResNet3DBackbone(
        _NORMALIZE.value or checkpoint.layout.pixel_statistics
    )


def compare(model, checkpoint):
    """Returns a dict of layer to largest difference and deviation."""
    # Waves that move, so that the features are of the usual size.
    frames, rows, columns = np.indices((8, 128, 128))
    waves = [0.5 * frames + 0.03 * rows + k * columns for k in (0.05, 0.1, 0.2)]
    clip = 127.5 + 100 * np.sin(np.stack(waves, axis=-1))
    clip = clip.astype("uint8")[None]
    backbone = model.backbone
    pixels = layers.PixelNormalization(backbone.normalize)(clip)
    outputs = backbone.pyramid_outputs
    if isinstance(backbone, models.X3DBackbone):
        outputs["conv5"], run = backbone.output, x3d_in_torch.run_x3d
    elif isinstance(backbone, models.I3DBackbone):
        run = i3d_in_torch.run_i3d
    else:
        run = resnet3d_in_torch.run_resnet3d
    expected = run(
        checkpoint,
        keras.ops.convert_to_numpy(pixels),
        per_frame=isinstance(model, models.FrameDetector),
    )
    actual = keras.Model(backbone.input, outputs).predict_on_batch(clip)
    actual["logits"] = model.predict_on_batch(clip)
    for results in (actual, expected):
        # What the head sees, the mean over space.
        last = list(outputs)[-1]
        results[last] = results[last].mean(axis=(2, 3))
    return {
        name: {
            "max_difference": float(np.abs(actual[name] - values).max()),
            "standard_deviation": float(values.std()),
        }
        for name, values in expected.items()
        if actual[name].shape == values.shape
    }


def check(parity):
    """Logs a comparison. Returns whether the last layer is as expected."""
    logging.info("layer    max. difference  standard deviation")
    for name, row in parity.items():
        difference = row["max_difference"]
        deviation = row["standard_deviation"]
        logging.info("%-8s %15.1e %19.3f", name, difference, deviation)
    # Also false for differences that are not a number.
    return difference <= _TOLERANCE * max(1, deviation)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    output = pathlib.Path(_OUTPUT.value)
    if output.suffix != ".keras" or not output.parent.is_dir():
        raise app.UsageError(
            "--output must be a .keras file in a folder that exists. "
            f"Received: --output={output}"
        )
    try:
        checkpoint = models.read_checkpoint(_CHECKPOINT.value)
        model = make_model(checkpoint)
        result = models.load_checkpoint(
            model,
            _CHECKPOINT.value,
            reinitialize_output=model.num_classes != checkpoint.num_classes,
        )
    except (ImportError, OSError, ValueError) as error:
        raise app.UsageError(str(error)) from error

    # Keras wants the suffix, so the mark of an unfinished file goes first.
    unfinished = output.with_name(f"unfinished_{output.name}")
    try:
        model.save(unfinished)
        parity = compare(
            keras.saving.load_model(unfinished, compile=False), checkpoint
        )
        if not check(parity):
            raise SystemExit(
                f"{_CHECKPOINT.value} was not converted: the model differs "
                "from the checkpoint, see above. GPUs may compute in less than "
                "float32: convert on the CPU, with CUDA_VISIBLE_DEVICES=-1."
            )
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)
    report = {
        "checkpoint": _CHECKPOINT.value,
        "layout": result.layout,
        "model": type(model).__name__,
        "backbone": type(model.backbone).__name__,
        "variant": getattr(model.backbone, "variant", None),
        "normalize": model.backbone.normalize,
        "num_classes": model.num_classes,
        "num_parameters": model.count_params(),
        "num_weights_loaded": len(result.loaded),
        "initialized": result.initialized,
        "backend": keras.config.backend(),
        "parity": parity,
    }
    report_path = output.with_suffix(".parity.json")
    report_path.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    logging.info("Saved %s and %s", output, report_path)


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
