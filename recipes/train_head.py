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
of the test videos. Then measure it, by every named protocol:

    python recipes/evaluate.py runs/joint_pdan/predictions.npz \
        --annotations=charades/Charades_v1_test.csv
"""

import functools
import sys
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
from ssdet_keras.recipes import tracking_flags
from ssdet_keras.recipes.dataset_readers import DETECTION_READERS
from ssdet_keras.recipes.head_settings import HEAD_SETTINGS
from ssdet_keras.version import get_commit

flags.adopt_module_key_flags(tracking_flags)  # For --help.

_HEAD = flags.DEFINE_enum(
    "head", None, list(HEAD_SETTINGS), "Head.", required=True
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the log, the model and scores.", required=True
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of weights and batches.", 0)

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


def make_models(head, num_channels):
    """Returns the model that is trained and the one that scores videos.

    MS-TCT is trained on a second output, the heat map of the centres.
    """
    inputs = {
        "features": keras.Input((None, num_channels), name="features"),
        "mask": keras.Input((None,), name="mask"),
    }
    mask = inputs["mask"] > 0
    if not isinstance(head, models.MSTCTHead):
        model = keras.Model(inputs, head(inputs["features"], mask=mask))
        return model, model
    outputs = head(inputs["features"], mask=mask, return_heat_map=True)
    return keras.Model(inputs, outputs), keras.Model(inputs, outputs["logits"])


def compile_model(model, learning_rate):
    optimizer = keras.optimizers.Adam(learning_rate)
    if isinstance(model.output, dict):
        model.compile(
            optimizer,
            loss={
                "logits": training.FrameCrossEntropy(),
                "heat_map": training.HeatMapLoss(),
            },
            loss_weights={"logits": 1.0, "heat_map": 0.05},
        )
    else:
        model.compile(optimizer, loss=training.FrameCrossEntropy())


def to_example(with_heat_map, batch):
    """Returns inputs and targets of a batch of a `FeatureSource`."""
    labels = training.ignore_padding(batch["labels"], batch["mask"])
    inputs = {key: batch[key] for key in ("features", "mask")}
    if with_heat_map:
        heat_map = training.center_heat_maps(labels)
        return inputs, {"logits": labels, "heat_map": heat_map}
    return inputs, labels


def predict(model, records, features):
    """Returns the `Predictions` of all frames of the videos."""
    scores, fps = {}, {}
    for record in records:
        if record.id not in features:
            continue
        video = features[record.id]
        steps = np.asarray(video["features"], "float32")[None]
        mask = np.ones(steps.shape[:2], "float32")
        logits = model.predict_on_batch({"features": steps, "mask": mask})[0]
        num_frames = video.num_frames
        if num_frames is None:
            num_frames = max(1, round(record.duration * video.fps))
        logits = models.upsample_to_frames(
            logits, video.times * video.fps, num_frames
        )
        scores[record.id] = 1 / (1 + np.exp(-logits))
        fps[record.id] = video.fps
    return evaluation.Predictions(
        scores,
        class_names=list(records.class_names),
        fps=fps,
        model=str(_WORKDIR.value),
        commit=get_commit(),
    )


def train(head, settings, records, features, workdir):
    """Trains a head. Returns the model that scores videos."""
    batch_size = min(_BATCH_SIZE.value or settings.batch_size, len(records))
    epochs = _EPOCHS.value or settings.epochs
    learning_rate = _LEARNING_RATE.value
    if learning_rate is None:
        learning_rate = settings.learning_rate_of(len(records))
    source = data.FeatureSource(
        records, features, num_steps=settings.num_steps, seed=_SEED.value
    )
    (num_channels,) = features.shapes["features"]
    trained, model = make_models(head, num_channels)
    compile_model(trained, learning_rate)
    callbacks = []
    if settings.plateau_epochs is not None:
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(
                "loss", settings.plateau_factor, settings.plateau_epochs
            )
        )
    start = time.monotonic()
    try:
        with tracking_flags.track(workdir) as tracking:
            training.train(
                trained,
                source,
                workdir,
                batch_size,
                epochs,
                len(records) // batch_size,
                saved_model=model,
                callbacks=callbacks + tracking,
                seed=_SEED.value,
                transform=functools.partial(
                    to_example, isinstance(trained.output, dict)
                ),
            )
    except training.TrainingStopped as error:
        logging.error("%s", error)
        sys.exit(error.exit_status)
    seconds = (time.monotonic() - start) / epochs
    logging.info("%.1f s per epoch of %d videos", seconds, len(records))
    logging.info("Saved %s", workdir.model_path)
    return model


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    features = read_features()
    records = read_records(_ANNOTATIONS.value, _SPLIT.value, features)
    test_records = None
    if _TEST_ANNOTATIONS.value is not None:
        test_records = read_records(
            _TEST_ANNOTATIONS.value, _TEST_SPLIT.value, features
        )
    try:
        workdir = training.WorkDir(_WORKDIR.value)
    except ValueError as error:
        raise app.UsageError(f"{error}. See --workdir.") from error
    workdir.save_flags(flags.FLAGS.flags_into_string())
    keras.utils.set_random_seed(_SEED.value)
    logging.info("Keras backend: %s", keras.config.backend())

    settings = HEAD_SETTINGS[_HEAD.value]
    head = models.make_head(_HEAD.value, len(records.class_names))
    model = train(head, settings, records, features, workdir)
    workdir.save_description(
        task="detection",
        head=_HEAD.value,
        dataset=_DATASET.value,
        class_names=list(records.class_names),
        features=features.origin,
        seed=_SEED.value,
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
