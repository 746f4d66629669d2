r"""Exports a trained model for other runtimes, and checks it there.

    KERAS_BACKEND=tensorflow python recipes/export_model.py \
        --checkpoint=runs/joint_charades/model.keras --output=detector.onnx

A name that ends in `.onnx` is an ONNX file for ONNX Runtime and others
(`pip install ".[onnx]"`), any other a folder with a SavedModel for TensorFlow.
Both take pixels of any number of clips and frames, of any size. The logits of
the runtime are compared with those of Keras.

Models that were trained on any backend can be exported, on TensorFlow.
"""

import pathlib

import keras
import numpy as np
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import models
from ssdet_keras.recipes.keras_file import load_keras_file

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "Trained model, a .keras file.", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "File NAME.onnx, or folder of a SavedModel.", required=True
)
_DTYPE = flags.DEFINE_enum(
    "dtype", "float32", ["float32", "uint8"], "Type of the pixels."
)
_TOLERANCE = 1e-4
_CLIP_SHAPES = ((1, 16, 64, 64, 3), (2, 9, 48, 80, 3))


def load_model():
    model = load_keras_file(_CHECKPOINT.name, _CHECKPOINT.value)
    if not isinstance(model, (models.VideoClassifier, models.FrameDetector)):
        raise app.UsageError(
            "--checkpoint must be a VideoClassifier or FrameDetector. "
            f"Received: {_CHECKPOINT.value}, a {type(model).__name__}"
        )
    return model


def run(path, videos):
    """Returns the logits that the runtime of an exported model computes."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        return session.run(None, {"videos": videos})[0]
    import tensorflow as tf

    model = tf.saved_model.load(str(path))
    return model.serve(tf.constant(videos)).numpy()


def export(model, path):
    file_format = "onnx" if path.suffix == ".onnx" else "tf_saved_model"
    shape = (None, *model.input_shape[1:])
    signature = [keras.InputSpec(_DTYPE.value, shape, name="videos")]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        model.export(
            str(path),
            format=file_format,
            input_signature=signature,
            verbose=False,
        )
    except ImportError as error:
        raise app.UsageError(f"{error} (Extra `onnx`.)") from error
    except OSError as error:
        raise app.UsageError(f"--output can't be written: {error}") from error
    logging.info("Wrote %s", path)


def check(model, path):
    """Compares the logits of the exported model with those of Keras."""
    generator = np.random.default_rng(0)
    for shape in _CLIP_SHAPES:
        # A model may have been built for clips of one size.
        fixed = (shape[0], *model.input_shape[1:])
        shape = tuple(n or m for n, m in zip(fixed, shape, strict=True))
        videos = generator.integers(0, 256, shape).astype(_DTYPE.value)
        expected = model.predict(videos, verbose=0)
        difference = np.abs(run(path, videos) - expected).max()
        logging.info(
            "Clips of shape %s: logits differ by at most %.1e",
            shape,
            difference,
        )
        if difference > _TOLERANCE * max(1, expected.std()):
            raise SystemExit(f"{path} does not compute what the model does.")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    if keras.config.backend() != "tensorflow":
        raise app.UsageError(
            "Set KERAS_BACKEND=tensorflow, which exports models of all "
            f"backends. Received: KERAS_BACKEND={keras.config.backend()}"
        )
    path = pathlib.Path(_OUTPUT.value)
    model = load_model()
    export(model, path)
    check(model, path)


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
