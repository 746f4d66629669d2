r"""Detects activities in videos: scores, segments and a timeline to look at.

    python recipes/detect.py --model=runs/joint_charades/model.keras \
        --output_dir=/tmp/detections VIDEO.mp4 [VIDEO.mp4 ...]

For each video this writes

-   NAME.npz: the scores of every frame and class;
-   NAME.csv: segments in which a class reaches --threshold;
-   NAME.png: a few frames over the scores of the classes with the highest ones.

A video that can't be read is named, and the others are done.
"""

import csv
import pathlib

import numpy as np
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras import evaluation
from ssdet_keras import visualization
from ssdet_keras.recipes import inference

flags.adopt_module_key_flags(inference)  # For --help.

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the results.", required=True
)
_THRESHOLD = flags.DEFINE_float(
    "threshold", 0.5, "Score at which a class counts as active.", 0, 1
)
_MIN_DURATION = flags.DEFINE_float(
    "min_duration", 0.5, "Shortest segment, in seconds.", 0
)
_ANNOTATIONS = flags.DEFINE_string(
    "charades_annotations",
    None,
    "Charades annotations of the videos, to draw them beside the scores.",
)
_NUM_PICTURES = 8


def read_truth(class_names, video_root):
    """Returns a dict of video id to its annotated record."""
    if _ANNOTATIONS.value is None:
        return {}
    try:
        records = data.read_charades(
            _ANNOTATIONS.value, video_root, class_names=class_names
        )
    except (OSError, ValueError) as error:
        raise app.UsageError(str(error)) from error
    return {record.id: record for record in records}


def write_segments(path, segments, class_names):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["class", "start_s", "end_s", "score"])
        for index, start, end, score in segments:
            row = f"{start:.2f}", f"{end:.2f}", f"{score:.3f}"
            writer.writerow([class_names[index], *row])


def detect(detector, path, output_dir):
    """Writes the results of one video."""
    record = data.VideoRecord(path.stem, str(path), None, None, None, ())
    scores = detector.score(record)
    with data.VideoFile(record.path) as video:
        fps = video.fps
        steps = np.linspace(0, len(scores) - 1, _NUM_PICTURES).astype(int)
        pictures = video.read(steps)
    evaluation.save_predictions(
        output_dir / f"{path.stem}.npz",
        {record.id: scores},
        class_names=detector.class_names,
        fps=fps,
    )
    segments = evaluation.find_segments(
        scores,
        fps=fps,
        threshold=_THRESHOLD.value,
        min_duration=_MIN_DURATION.value,
    )
    write_segments(
        output_dir / f"{path.stem}.csv", segments, detector.class_names
    )
    truth = read_truth(detector.class_names, path.parent).get(record.id)
    if truth is not None:
        truth = data.labels_at(
            truth, np.arange(len(scores)) / fps, len(detector.class_names)
        )
    visualization.draw_timeline(
        output_dir / f"{path.stem}.png",
        frames=pictures,
        frame_times=steps / fps,
        scores=scores,
        truth=truth,
        duration=len(scores) / fps,
        class_names=detector.class_names,
    )
    logging.info("%s: %d segments", path, len(segments))


def main(argv):
    if len(argv) < 2:
        raise app.UsageError("Name at least one video.")
    detector = inference.Detector()
    output_dir = pathlib.Path(_OUTPUT_DIR.value)
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise app.UsageError(f"--output_dir can't be made: {error}") from error
    failures = []
    for path in map(pathlib.Path, argv[1:]):
        try:
            detect(detector, path, output_dir)
        except data.VideoReadError as error:
            failures.append(error)
            logging.error("Skipped a video: %s", error)
    if failures:
        raise SystemExit(f"{len(failures)} of {len(argv) - 1} videos failed.")


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
