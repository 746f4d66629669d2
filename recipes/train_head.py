r"""Trains a temporal head on features, and scores test videos with it.

The features are those of `extract_features.py`, or published .npy files whose
times are told by --feature_fps and --feature_stride. The flag defaults are the
published settings of each head; see `head_settings.py`.

    KERAS_BACKEND=torch python recipes/train_head.py --head=pdan \
        --features=features/joint_charades --workdir=runs/joint_pdan \
        --annotations=charades/Charades_v1_train.csv \
        --test_annotations=charades/Charades_v1_test.csv \
        --class_names=charades/Charades_v1_classes.txt

A step of training sees whole videos, padded to the longest of the batch. The
learning rate falls when the loss of training does not: the authors watched that
of the test videos. A run that was stopped goes on with --resume. Then measure
it, by every named protocol:

    python recipes/evaluate.py runs/joint_pdan/predictions.npz \
        --annotations=charades/Charades_v1_test.csv
"""

import functools
import json
import time

import keras
import numpy as np
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras import evaluation
from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.recipes import head_models
from ssdet_keras.recipes import run_flags
from ssdet_keras.recipes.dataset_readers import DETECTION_READERS
from ssdet_keras.recipes.head_settings import HEAD_SETTINGS
from ssdet_keras.version import get_commit

flags.adopt_module_key_flags(run_flags)  # For --help.

_HEAD = flags.DEFINE_enum(
    "head", None, list(HEAD_SETTINGS), "Head.", required=True
)
_HEAD_OPTIONS = flags.DEFINE_string(
    "head_options",
    "{}",
    "Arguments of the head in JSON, in place of the published ones, such as "
    """'{"units": 128}'.""",
)

# Data.
_DATASET = flags.DEFINE_enum(
    "dataset", "charades", list(DETECTION_READERS), "Format of the annotations."
)
_ANNOTATIONS = flags.DEFINE_string(
    "annotations", None, "Annotations of the training videos.", required=True
)
_SPLIT = flags.DEFINE_string("split", None, "Split of --annotations.")
_TEST_ANNOTATIONS = flags.DEFINE_string(
    "test_annotations", None, "Annotations of the videos that are scored."
)
_TEST_SPLIT = flags.DEFINE_string(
    "test_split", None, "Split of --test_annotations."
)
_CLASS_NAMES = flags.DEFINE_string("class_names", None, "List of the classes.")
_FEATURES = flags.DEFINE_string(
    "features", None, "Folder of the features of all videos.", required=True
)
_FEATURE_FPS = flags.DEFINE_float(
    "feature_fps", None, "Of .npy files: frames per second of the videos.", 1e-3
)
_FEATURE_STRIDE = flags.DEFINE_float(
    "feature_stride", None, "Of .npy files: frames from step to step.", 1e-3
)
_FEATURE_OFFSET = flags.DEFINE_float(
    "feature_offset", 0, "Of .npy files: frame of the first step."
)

# Optimisation.
_EPOCHS = flags.DEFINE_integer(
    "epochs", None, "Passes over the videos. Default: that of the head.", 1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "Videos per step. Default: that of the head.", 1
)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", None, "First rate of Adam. Default: that of the head.", 0
)

# Lengths are rounded up to a multiple, because JAX, and TensorFlow on GPUs,
# compile anew for each. Padding does not change what the heads give.
_MULTIPLE = 32


def read_records(annotations, split, features):
    """Returns the `VideoRecords`, of which some must have features."""
    try:
        records = DETECTION_READERS[_DATASET.value](
            annotations, split=split, class_names=_CLASS_NAMES.value
        )
    except (OSError, ValueError) as error:
        raise app.UsageError(str(error)) from error
    logging.info("%s: %s", annotations, records.report())
    num_missing = sum(record.id not in features for record in records)
    if num_missing:
        logging.warning(
            "%d of the %d videos of %s have no features in %s",
            num_missing,
            len(records),
            annotations,
            features.path,
        )
    if num_missing == len(records):
        raise app.UsageError(f"--features has none of {annotations}.")
    return records


def read_features():
    try:
        return data.FeatureFolder(
            _FEATURES.value,
            names=None if _FEATURE_FPS.value else ["features"],
            fps=_FEATURE_FPS.value,
            stride=_FEATURE_STRIDE.value,
            offset=_FEATURE_OFFSET.value,
        )
    except (OSError, ValueError) as error:
        raise app.UsageError(f"--features: {error}") from error


def predict(model, records, features):
    """Returns the `Predictions` of all frames of the videos."""
    scores, fps = {}, {}
    for record in records:
        if record.id not in features:
            continue
        video = features[record.id]
        steps = np.asarray(video["features"], "float32")
        inputs = head_models.to_inputs(steps, _MULTIPLE)
        logits = model.predict_on_batch(inputs)[0, : len(steps)]
        num_frames = video.num_frames
        if num_frames is None:
            num_frames = max(1, round(record.duration * video.fps))
        logits = models.upsample_to_frames(
            logits, video.times * video.fps, num_frames
        )
        # `exp` of NumPy warns of logits that are large.
        scores[record.id] = keras.ops.convert_to_numpy(
            keras.ops.sigmoid(logits)
        )
        fps[record.id] = video.fps
    return evaluation.Predictions(
        scores,
        class_names=list(records.class_names),
        fps=fps,
        model=str(flags.FLAGS.workdir),
        commit=get_commit(),
    )


def make_head(num_classes):
    """Returns the head of the flags."""
    try:
        options = json.loads(_HEAD_OPTIONS.value)
        return models.make_head(_HEAD.value, num_classes, **options)
    except (TypeError, ValueError) as error:
        raise app.UsageError(
            f"--head_options={_HEAD_OPTIONS.value}: {error}"
        ) from error


def load_weights(model, workdir):
    """Loads the weights of the newest checkpoint, if there is one."""
    if workdir.checkpoint is None:
        return
    try:
        model.load_weights(workdir.checkpoint.path)
    except ValueError as error:
        raise app.UsageError(
            f"{workdir.checkpoint.path} is of another head: {error}"
        ) from error


def train(head, records, features, workdir):
    """Trains a head. Returns the model that scores videos."""
    settings = HEAD_SETTINGS[_HEAD.value]
    batch_size = min(_BATCH_SIZE.value or settings.batch_size, len(records))
    epochs = _EPOCHS.value or settings.epochs
    learning_rate = _LEARNING_RATE.value
    if learning_rate is None:
        learning_rate = settings.learning_rate_of(len(records))
    source = data.FeatureSource(
        records,
        features,
        num_steps=settings.num_steps,
        multiple=_MULTIPLE,
        seed=flags.FLAGS.seed,
    )
    (num_channels,) = features.shapes["features"]
    trained, model = head_models.make_models(head, num_channels)
    head_models.compile_model(trained, learning_rate)
    load_weights(model, workdir)
    callbacks = []
    if settings.plateau_epochs is not None:
        callbacks.append(
            training.ReduceLROnPlateau(
                workdir.log_path,
                factor=settings.plateau_factor,
                patience=settings.plateau_epochs,
            )
        )
    start = time.monotonic()
    run_flags.fit(
        trained,
        source,
        workdir,
        batch_size,
        epochs,
        len(records) // batch_size,
        saved_model=model,
        callbacks=callbacks,
        transform=functools.partial(
            head_models.to_example,
            with_heat_map=isinstance(trained.output, dict),
        ),
    )
    if workdir.checkpoint is None:
        seconds = (time.monotonic() - start) / epochs
        logging.info("%.1f s per epoch of %d videos", seconds, len(records))
    return model


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    run_flags.start_backend()
    features = read_features()
    records = read_records(_ANNOTATIONS.value, _SPLIT.value, features)
    test_records = None
    if _TEST_ANNOTATIONS.value is not None:
        test_records = read_records(
            _TEST_ANNOTATIONS.value, _TEST_SPLIT.value, features
        )
    workdir = run_flags.start_run()
    head = make_head(len(records.class_names))
    model = train(head, records, features, workdir)
    run_flags.save_description(
        workdir,
        task="detection",
        head=_HEAD.value,
        dataset=_DATASET.value,
        class_names=list(records.class_names),
        features=features.origin,
        seed=flags.FLAGS.seed,
        backend=keras.config.backend(),
    )
    if test_records is not None:
        path = workdir.path / "predictions.npz"
        evaluation.save_predictions(
            path, predict(model, test_records, features)
        )
        logging.info("Saved %s", path)


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
