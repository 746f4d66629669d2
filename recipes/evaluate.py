r"""Evaluates predictions of whole videos, by every named protocol.

"Charades mAP" is several different numbers. All are computed from the same
scores, and each is printed with its name; `charades_official` is that of the
papers, `per_frame` that of their ablations.

    python recipes/evaluate.py --annotations=charades/Charades_v1_test.csv \
        runs/joint_charades/predictions.npz

A file is an .npz file of this recipe or of detect.py, a Charades submission
(.txt) or a CSV file of one row per frame (.csv), both also compressed (.gz).
Several are ensembled, by the mean of their scores and by that of their logits:

    python recipes/evaluate.py --annotations=charades/Charades_v1_test.csv \
        --output_dir=runs/ensemble \
        runs/freeze/predictions.npz runs/mixup/predictions.npz other.txt.gz

The scores of the ensemble that --mean names are saved as ensemble.npz. That of
two streams of RGB and flow is the mean of their logits, see docs/flow.md.

With a model in place of files, the videos are read, and their scores saved
beside it as predictions.npz, before they are evaluated:

    python recipes/evaluate.py --dataset=multithumos --split=testing \
        --model=runs/joint_multithumos/model.keras \
        --annotations=multithumos/multithumos.json --video_root=thumos14/videos

The folder of the files gets results.json and, of every class, per_class.csv.
See docs/predictions.md.
"""

import json
import os
import pathlib
import sys
import warnings

from absl import app
from absl import flags
from absl import logging

from ssdet_keras import evaluation
from ssdet_keras.data.atomic_write import atomic_write
from ssdet_keras.recipes import annotation_flags
from ssdet_keras.recipes import evaluation_report
from ssdet_keras.recipes import inference
from ssdet_keras.version import get_commit

# For --help.
flags.adopt_module_key_flags(annotation_flags)
flags.adopt_module_key_flags(inference)
flags.mark_flag_as_required("annotations")

_CLASS_NAMES = flags.DEFINE_string(
    "class_names",
    None,
    "List of the classes. Default: those that the model or the files name.",
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Default: the folder of the model, or of one file."
)
_MEAN = flags.DEFINE_enum(
    "mean",
    "scores",
    ["scores", "logits"],
    "Ensemble of several files that is saved, with its results.",
)
_PER_CLASS = flags.DEFINE_bool(
    "per_class", False, "Print the results of every class, too."
)

_READERS = {
    ".npz": evaluation.load_predictions,
    ".csv": evaluation.read_scores_csv,
    ".txt": evaluation.read_charades_submission,
}


def read_records(class_names):
    records = annotation_flags.read_records(_CLASS_NAMES.value or class_names)
    logging.info("Test videos: %s", records.report())
    return records


def read_predictions(path):
    suffix = pathlib.Path(path.removesuffix(".gz")).suffix.lower()
    if suffix not in _READERS:
        raise app.UsageError(
            f"Files of predictions end in {', '.join(_READERS)} or .gz. "
            f"Received: {path}"
        )
    try:
        return call(path, _READERS[suffix], path)
    except (OSError, ValueError) as error:
        raise app.UsageError(f"Can't load {path}: {error}") from error


def call(name, function, *arguments, **options):
    """Calls a function, and logs its warnings under a name."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function(*arguments, **options)
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        logging.warning("%s: %s", name, message)
    return result


def predict(output_dir):
    """Scores the videos with --model. Returns a dict of a path, and records."""
    if annotation_flags.VIDEO_ROOT.value is None:
        raise app.UsageError("--model needs --video_root.")
    detector = inference.Detector()
    records = read_records(detector.class_names)
    output_dir.mkdir(parents=True, exist_ok=True)
    detections, failures = detector.detect_all(records)
    if failures:
        logging.error("%d videos could not be read:", len(failures))
        for video, reason in failures.items():
            logging.error("  %s: %s", video, reason)
    if not detections:
        raise app.UsageError("None of the videos could be read.")
    predictions = evaluation.Predictions(
        {video_id: x.scores for video_id, x in detections.items()},
        class_names=detector.class_names,
        fps={video_id: x.fps for video_id, x in detections.items()},
        model=flags.FLAGS.model,
        commit=get_commit(),
    )
    path = output_dir / "predictions.npz"
    evaluation.save_predictions(path, predictions)
    logging.info("Saved %s", path)
    return {str(path): predictions}, records


def evaluate(name, predictions, records):
    """Returns a dict of protocol to `Result`."""
    if predictions.num_classes != len(records.class_names):
        raise app.UsageError(
            f"{name} has {predictions.num_classes} classes, the annotations "
            f"have {len(records.class_names)}. Name those of the annotations "
            "with --class_names."
        )
    protocol = {
        "charades": evaluation.charades,
        "multithumos": evaluation.multithumos,
    }[annotation_flags.DATASET.value]
    try:
        return call(name, protocol, predictions, records)
    except ValueError as error:
        raise app.UsageError(f"{name}: {error}") from error


def ensemble(files, records):
    """Returns a dict of the kind of the mean to `Predictions`."""
    durations = {record.id: record.duration for record in records}
    ensembles = {}
    for mean in ("scores", "logits"):
        name = f"mean of {mean}"
        try:
            ensembles[name] = call(
                name,
                evaluation.ensemble_predictions,
                files,
                mean=mean,
                durations=durations,
            )
        except ValueError as error:
            if mean in ("scores", _MEAN.value):
                raise app.UsageError(str(error)) from error
            logging.warning("No %s: %s", name, error)
    return ensembles


def find_output_dir(paths):
    if _OUTPUT_DIR.value is not None:
        return pathlib.Path(_OUTPUT_DIR.value)
    if len(paths) > 1:
        raise app.UsageError("Several files need --output_dir.")
    return pathlib.Path([flags.FLAGS.model, *paths][-1]).parent


def main(argv):
    paths = argv[1:]
    if (flags.FLAGS.model is not None) == bool(paths):
        raise app.UsageError("Name files of predictions, or set --model.")
    if len({os.path.realpath(path) for path in paths}) < len(paths):
        raise app.UsageError(f"The files must differ. Received: {paths}")
    output_dir = find_output_dir(paths)
    if paths:
        files = {path: read_predictions(path) for path in paths}
        names = (predictions.class_names for predictions in files.values())
        records = read_records(next(filter(None, names), None))
        output_dir.mkdir(parents=True, exist_ok=True)
    else:
        files, records = predict(output_dir)

    columns = {
        path: evaluate(path, predictions, records)
        for path, predictions in files.items()
    }
    results = next(iter(columns.values()))
    ensembles = {}
    if len(files) > 1:
        means = ensemble(files, records)
        ensembles = {
            name: evaluate(name, predictions, records)
            for name, predictions in means.items()
        }
        name = f"mean of {_MEAN.value}"
        results = ensembles[name]
        evaluation.save_predictions(output_dir / "ensemble.npz", means[name])
    sys.stdout.write(evaluation_report.format_table(columns, ensembles))
    if _PER_CLASS.value:
        sys.stdout.write("\n" + evaluation.format_class_table(results))
    evaluation.write_class_table(output_dir / "per_class.csv", results)
    report = evaluation_report.to_json(results, columns, ensembles)
    with atomic_write(output_dir / "results.json") as file:
        file.write((json.dumps(report, indent=2) + "\n").encode())
    logging.info("Saved results.json and per_class.csv in %s", output_dir)


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
