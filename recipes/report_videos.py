"""The section of the report on training runs that shows videos."""

import numpy as np
from absl import app
from absl import logging

from ssdet_keras import data
from ssdet_keras import evaluation
from ssdet_keras import visualization
from ssdet_keras.evaluation.interpolate_scores import interpolate_scores

# Videos at each end of the table, and of the pictures.
_NUM_LISTED = 5
_NUM_DRAWN = 2
_NUM_PICTURES = 8
# More can't be seen in a picture.
_NUM_POINTS = 1300
# More curves can't be told apart.
_MAX_RUNS = 4


def load_predictions(run):
    """Returns the saved scores of a run."""
    try:
        return evaluation.load_predictions(run.predictions_path)
    except (OSError, ValueError) as error:
        raise app.UsageError(str(error)) from error


def show_videos(runs, records, has_videos, folder):
    """Returns a table and timelines of the best and the worst videos.

    Args:
        runs: Dict of names to `training.Run`.
        records: `VideoRecords` with class names, or `None`.
        has_videos: Boolean. Whether the files of the videos are there.
        folder: `pathlib.Path` of the pictures.
    """
    heading = ("heading", "Best and worst videos")
    if records is None:
        text = "Set --annotations to see videos."
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
        predictions = load_predictions(run)
        precision[name] = _call(
            name, evaluation.video_precision, predictions, records
        )
    shared = set.intersection(*map(set, precision.values()))
    if not shared:
        text = "The runs have predictions of no common video with activities."
        return [*sections, ("paragraph", text)]
    mean = {
        video: np.mean([of_run[video] for of_run in precision.values()])
        for video in sorted(shared)
    }
    ranked = sorted(mean, key=lambda video: -mean[video])
    sections += _list_videos(ranked, precision, records)
    if len(predicted) > _MAX_RUNS:
        predicted = dict(list(predicted.items())[:_MAX_RUNS])
        text = f"The timelines show the first {_MAX_RUNS} runs."
        sections.append(("paragraph", text))
    by_id = {record.id: record for record in records}
    drawn = [by_id[video] for video in _choose_ends(ranked, _NUM_DRAWN)]
    for record, curves in _load_curves(predicted, drawn):
        place = ranked.index(record.id) + 1
        path = folder / f"video_{place:05d}.png"
        problem = _draw_video(
            path, record, curves, records.class_names, has_videos
        )
        caption = (
            f"Video {record.id}, place {place} of {len(ranked)}: "
            f"{100 * mean[record.id]:.1f} % on average. {problem}"
        )
        sections.append(("picture", path, caption.rstrip()))
    return sections


def _list_videos(ranked, precision, records):
    """Returns a table of the first and the last ones."""
    activities = {
        record.id: dict.fromkeys(
            records.class_names[index] for index, *_ in record.segments
        )
        for record in records
    }
    rows = [
        [
            ranked.index(video) + 1,
            video,
            *(f"{100 * of_run[video]:.1f}" for of_run in precision.values()),
            ", ".join(activities[video]),
        ]
        for video in _choose_ends(ranked, _NUM_LISTED)
    ]
    names = [f"{name}, %" for name in precision]
    return [
        (
            "paragraph",
            "Mean average precision within each video: of its frames, ranked "
            "for each class that is annotated in it. "
            f"{len(rows)} of {len(ranked)} videos, sorted by the mean of the "
            "runs.",
        ),
        ("table", ["place", "video", *names, "annotated"], rows),
    ]


def _load_curves(runs, records):
    """Returns pairs of a record, and a dict of run to times and scores."""
    curves = [(record, {}) for record in records]
    for name, run in runs.items():
        predictions = load_predictions(run)
        for record, of_record in curves:
            times = predictions.times(record.id, record.duration)
            of_record[name] = times, predictions[record.id]
    return curves


def _call(name, function, *arguments):
    try:
        return function(*arguments)
    except ValueError as error:
        raise app.UsageError(f"{name}: {error}") from error


def _choose_ends(ranked, count):
    """Returns so many from the beginning and from the end."""
    return ranked[:count] + ranked[max(count, len(ranked) - count) :]


def _draw_video(path, record, curves, class_names, has_videos):
    """Draws the scores of a video, and its frames where they can be read.

    Args:
        path: PNG file.
        record: `VideoRecord`.
        curves: Dict of the name of a run to a pair of times and scores.
        class_names: List of strings.
        has_videos: Boolean. Whether to read the frames.

    Returns:
        What is wrong with the video file, or an empty text.
    """
    frames, frame_times, problem = None, None, ""
    if has_videos:
        try:
            with data.VideoFile(record.path, fps=record.fps) as video:
                indices = np.linspace(0, video.num_frames - 1, _NUM_PICTURES)
                indices = indices.astype(int)
                frames = video.read(indices)
                frame_times = indices / video.fps
        except data.VideoReadError as error:
            logging.error("Skipped the frames of a video: %s", error)
            problem = str(error)
    first, _ = next(iter(curves.values()))
    duration = record.duration or first[-1] + first[-1] / len(first)
    times = np.arange(_NUM_POINTS) / _NUM_POINTS * duration
    if frames is not None:
        # Annotations may tell a shorter video.
        frame_times = np.minimum(frame_times, duration)
    _call(
        record.id,
        visualization.draw_timeline,
        path,
        frames,
        frame_times,
        {
            name: interpolate_scores(scores, run_times, times)
            for name, (run_times, scores) in curves.items()
        },
        data.labels_at(record, times, len(class_names)),
        duration,
        class_names,
    )
    return problem
