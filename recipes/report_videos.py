"""The section of the report on training runs that shows videos."""

import numpy as np
from absl import app
from absl import logging

from ssdet_keras import data
from ssdet_keras import evaluation
from ssdet_keras import visualization
from ssdet_keras.evaluation.charades import sample_uniformly

# Videos at each end of the table, and of the pictures.
_NUM_LISTED = 5
_NUM_DRAWN = 2
_NUM_PICTURES = 8
# More curves can't be told apart.
_MAX_RUNS = 4


def load_predictions(run):
    """Returns the saved scores of a run, and the dict that describes them."""
    try:
        return evaluation.load_predictions(run.predictions_path)
    except (OSError, ValueError) as error:
        raise app.UsageError(str(error)) from error


def show_videos(runs, records, folder):
    """Returns a table and timelines of the best and the worst videos.

    Args:
        runs: Dict of names to `training.Run`.
        records: `VideoRecords` with class names, or `None`.
        folder: `pathlib.Path` of the pictures.
    """
    heading = ("heading", "Best and worst videos")
    if records is None:
        text = "Set --annotations and --video_root to see videos."
        return [heading, ("paragraph", text)]
    sections = [heading]
    predicted = {n: run for n, run in runs.items() if run.predictions_path}
    missing = ", ".join(name for name in runs if name not in predicted)
    if missing:
        text = f"There is no predictions.npz of {missing}: recipes/evaluate.py"
        sections.append(("paragraph", f"{text} writes it."))
    if not predicted:
        return sections
    precision = {}
    for name, run in predicted.items():
        predictions, _ = load_predictions(run)
        precision[name] = _call(
            name, evaluation.video_precision, predictions, records
        )
    shared = set.intersection(*map(set, precision.values()))
    if not shared:
        text = "The runs have predictions of no common video with activities."
        return [*sections, ("paragraph", text)]
    mean = {
        video: np.mean([of_run[video] for of_run in precision.values()])
        for video in shared
    }
    ranked = sorted(mean, key=lambda video: (-mean[video], video))
    by_id = {record.id: record for record in records}
    listed = _choose_ends(ranked, _NUM_LISTED)
    rows = [
        [
            ranked.index(video) + 1,
            video,
            *(f"{100 * of_run[video]:.1f}" for of_run in precision.values()),
            ", ".join(_name_classes(by_id[video], records.class_names)),
        ]
        for video in listed
    ]
    header = [
        "place",
        "video",
        *(f"{name}, %" for name in precision),
        "annotated",
    ]
    sections += [
        (
            "paragraph",
            "Mean average precision within each video: of its frames, ranked "
            "for each class that is annotated in it. "
            f"{len(listed)} of {len(ranked)} videos, sorted by the mean of the "
            "runs.",
        ),
        ("table", header, rows),
    ]
    if len(predicted) > _MAX_RUNS:
        predicted = dict(list(predicted.items())[:_MAX_RUNS])
        text = f"The timelines show the first {_MAX_RUNS} runs."
        sections.append(("paragraph", text))
    drawn = [by_id[video] for video in _choose_ends(ranked, _NUM_DRAWN)]
    scores = {record.id: {} for record in drawn}
    for name, run in predicted.items():
        predictions, _ = load_predictions(run)
        for record in drawn:
            scores[record.id][name] = predictions[record.id]
    for record in drawn:
        place = ranked.index(record.id) + 1
        sections.append(
            _draw_video(
                folder / f"video_{place:05d}.png",
                record,
                scores[record.id],
                records.class_names,
                f"Video {record.id}, place {place} of {len(ranked)}: "
                f"{100 * mean[record.id]:.1f} % on average.",
            )
        )
    return sections


def _call(name, function, *arguments):
    try:
        return function(*arguments)
    except ValueError as error:
        raise app.UsageError(f"{name}: {error}") from error


def _choose_ends(ranked, count):
    """Returns so many from the beginning and from the end."""
    return ranked[:count] + ranked[max(count, len(ranked) - count) :]


def _name_classes(record, class_names):
    return dict.fromkeys(class_names[index] for index, *_ in record.segments)


def _draw_video(path, record, scores, class_names, caption):
    """Returns a picture, or a sentence where the video can't be read."""
    num_frames = len(next(iter(scores.values())))
    duration = record.duration
    try:
        with data.VideoFile(record.path, fps=record.fps) as video:
            indices = np.linspace(0, video.num_frames - 1, _NUM_PICTURES)
            indices = indices.astype(int)
            frames = video.read(indices)
            times = indices / video.fps
    except data.VideoReadError as error:
        logging.error("Skipped a video: %s", error)
        return "paragraph", f"{caption} {error}"
    times_of_scores = np.arange(num_frames) / num_frames * duration
    _call(
        record.id,
        lambda: visualization.draw_timeline(
            path,
            frames=frames,
            # Annotations may tell a shorter video.
            frame_times=np.minimum(times, duration),
            scores={
                name: sample_uniformly(of_run, num_frames)
                for name, of_run in scores.items()
            },
            truth=data.labels_at(record, times_of_scores, len(class_names)),
            duration=duration,
            class_names=class_names,
        ),
    )
    return "picture", path, caption
