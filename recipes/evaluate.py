r"""Evaluates detectors on whole videos, by every named protocol.

"Charades mAP" is several different numbers. All are computed from the same
scores, and each is printed with its name; `charades_official` is that of the
papers, `per_frame` that of their ablations.

    python recipes/evaluate.py --model=runs/joint_charades/model.keras \
        --annotations=charades/Charades_v1_test.csv \
        --video_root=charades/Charades_v1_480

    python recipes/evaluate.py --dataset=multithumos --split=testing \
        --model=runs/joint_multithumos/model.keras \
        --annotations=multithumos/multithumos.json --video_root=thumos14/videos

Scores are saved beside the model as predictions.npz, results as results.json.
Saved scores of one or several models are evaluated without their models; of
several, the mean is taken, as the paper's ensembles do:

    python recipes/evaluate.py --annotations=charades/Charades_v1_test.csv \
        --video_root=charades/Charades_v1_480 --output_dir=runs/ensemble \
        --predictions=runs/freeze/predictions.npz,runs/mixup/predictions.npz
"""

import json
import pathlib

import numpy as np
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras import evaluation
from ssdet_keras.recipes import inference

flags.adopt_module_key_flags(inference)  # For --help.

_DATASET = flags.DEFINE_enum(
    "dataset", "charades", ["charades", "multithumos"], "Protocols to use."
)
_ANNOTATIONS = flags.DEFINE_string(
    "annotations", None, "Annotations of the test videos.", required=True
)
_VIDEO_ROOT = flags.DEFINE_string(
    "video_root", None, "Folder of the videos.", required=True
)
_SPLIT = flags.DEFINE_string("split", None, "Split of the annotations.")
_PREDICTIONS = flags.DEFINE_list(
    "predictions", None, "Saved scores, in place of --model."
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Default: the folder of the model."
)


def read_records(class_names):
    reader = {
        "charades": data.read_charades,
        "multithumos": data.read_multithumos,
    }[_DATASET.value]
    try:
        records = reader(
            annotations=_ANNOTATIONS.value,
            video_root=_VIDEO_ROOT.value,
            split=_SPLIT.value,
            class_names=class_names,
        )
    except (OSError, ValueError) as error:
        raise app.UsageError(str(error)) from error
    logging.info("Test videos: %s", records.report())
    return records


def load_ensemble(paths):
    """Returns the mean of saved scores, and the class names of the first."""
    loaded = []
    for path in paths:
        try:
            loaded.append(evaluation.load_predictions(path))
        except (OSError, ValueError) as error:
            raise app.UsageError(f"Can't load {path}: {error}") from error
    first, metadata = loaded[0]
    for path, (scores, _) in zip(paths, loaded, strict=True):
        shapes = {video: x.shape for video, x in scores.items()}
        if shapes != {video: x.shape for video, x in first.items()}:
            raise app.UsageError(
                f"--predictions must be of the same videos and frames: {path} "
                f"differs from {paths[0]}."
            )
    mean = {
        video: np.mean([scores[video] for scores, _ in loaded], axis=0)
        for video in first
    }
    return mean, metadata.get("class_names")


def save_scores(path, detector, records):
    scores, failures = detector.score_all(records)
    if failures:
        logging.error("%d videos could not be read:", len(failures))
        for video, reason in failures.items():
            logging.error("  %s: %s", video, reason)
    if not scores:
        raise app.UsageError("None of the videos could be read.")
    evaluation.save_predictions(
        path, scores, class_names=list(records.class_names)
    )
    logging.info("Saved %s", path)
    return scores


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    has_model = flags.FLAGS.model is not None
    if has_model == bool(_PREDICTIONS.value):
        raise app.UsageError("Set one of --model and --predictions.")
    if not has_model and _OUTPUT_DIR.value is None:
        raise app.UsageError("--predictions needs --output_dir.")
    output_dir = pathlib.Path(
        _OUTPUT_DIR.value or pathlib.Path(flags.FLAGS.model).parent
    )
    if has_model:
        detector = inference.Detector()
        records = read_records(detector.class_names)
        output_dir.mkdir(parents=True, exist_ok=True)
        scores = save_scores(output_dir / "predictions.npz", detector, records)
    else:
        scores, class_names = load_ensemble(_PREDICTIONS.value)
        records = read_records(class_names)
        output_dir.mkdir(parents=True, exist_ok=True)

    protocol = {
        "charades": evaluation.charades,
        "multithumos": evaluation.multithumos,
    }[_DATASET.value]
    try:
        results = protocol(scores, records)
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    summary = {}
    for name, result in results.items():
        logging.info("%-28s mAP %6.2f %%", name, 100 * result.mean)
        summary[name] = {
            "mean": float(result.mean),
            "per_class": [
                None if np.isnan(x) else float(x) for x in result.per_class
            ],
        }
    path = output_dir / "results.json"
    path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    logging.info("Saved %s", path)


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
