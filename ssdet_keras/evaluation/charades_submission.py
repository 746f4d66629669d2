"""Submission files of the Charades localisation task."""

import warnings

import numpy as np

from ssdet_keras.evaluation.charades import NUM_SAMPLES
from ssdet_keras.evaluation.interpolate_scores import interpolate_scores
from ssdet_keras.evaluation.interpolate_scores import sample_uniformly
from ssdet_keras.evaluation.predictions import Predictions
from ssdet_keras.evaluation.predictions import spread_times
from ssdet_keras.evaluation.text_files import read_text
from ssdet_keras.evaluation.text_files import write_text


def read_charades_submission(path):
    """Reads a Charades submission.

    A line is the video id, the number of the frame from 1 to 25, and one
    score per class, separated by spaces:

        YSKX3 1 0.123 0.004 ... 0.250
        YSKX3 2 0.127 0.003 ... 0.248

    A line that is not there scores `-inf`. A file whose frames start at 0 is
    read as if they started at 1, as in the official program, and frames after
    the last are ignored; all with a warning.

    Args:
        path: String or path-like. Text, which may be compressed with gzip.

    Returns:
        `Predictions` of float64 scores, 25 rows for each video.

    Raises:
        ValueError: If the file is not such text or is damaged, if a line is
            not as above, if a score is NaN or `+inf`, if a frame comes twice
            or if there is no line. Names the file and the line.

    Example:

    ```python
    predictions = read_charades_submission("submission.txt")
    results = charades(predictions, annotations)
    ```
    """
    frames = {}
    num_classes = None
    with read_text(path) as file:
        for number, line in enumerate(file, start=1):
            fields = line.split()
            if not fields:
                continue
            video_id, frame, scores = _parse(path, number, fields)
            num_classes = num_classes or len(scores)
            if len(scores) != num_classes:
                raise ValueError(
                    f"Every line must have {num_classes} scores, as the first "
                    f"one has. Received: {len(scores)} in {path}, line "
                    f"{number}"
                )
            rows = frames.setdefault(video_id, {})
            if frame in rows:
                raise ValueError(
                    f"A frame must come once. Received: frame {frame} of "
                    f"{video_id} again in {path}, line {number}"
                )
            rows[frame] = scores
    if not frames:
        raise ValueError(
            f"A submission must have at least one line. Received: path={path}"
        )
    try:
        return Predictions(_place_frames(path, frames, num_classes))
    except ValueError as error:
        raise ValueError(f"{error} in {path}") from error


def write_charades_submission(path, predictions, durations=None):
    """Writes a Charades submission.

    Frames whose scores are all `-inf` are left out. The file appears at
    `path` once it is complete.

    Args:
        path: String or path-like. Compressed if it ends in `.gz`.
        predictions: `Predictions`, or a dict of video id to an array of
            shape `(rows, classes)`. Interpolated linearly to 25 rows where
            there are more or fewer.
        durations: Dict of video id to the length in seconds that the
            annotations tell, or `None`. The 25 rows are at `j / 25` of it
            where the frame rate is known, too. Without either, row `i` of
            `T` is taken to be at `i / T` of the video.

    Raises:
        ValueError: See `Predictions`; or if an id holds a space.

    Example:

    ```python
    annotations = data.read_charades("Charades_v1_test.csv")
    write_charades_submission(
        "submission.txt.gz",
        predictions,
        durations={record.id: record.duration for record in annotations},
    )
    ```
    """
    if not isinstance(predictions, Predictions):
        predictions = Predictions(predictions)
    for video_id in predictions:
        if video_id.split() != [video_id]:
            raise ValueError(
                "A video id must be a word without spaces. Received: "
                f"{video_id!r}"
            )
    with write_text(path) as file:
        for video_id in predictions:
            duration = (durations or {}).get(video_id)
            rows = _sample(predictions, video_id, duration)
            for frame, row in enumerate(rows, start=1):
                if row.max() > -np.inf:
                    # As many digits as it takes to read the same number back.
                    scores = " ".join(row.astype(str))
                    file.write(f"{video_id} {frame} {scores}\n")


def _sample(predictions, video_id, duration):
    """Returns 25 rows of a video."""
    scores = predictions[video_id]
    if duration is None or video_id not in predictions.fps:
        return sample_uniformly(scores, NUM_SAMPLES)
    return interpolate_scores(
        scores,
        predictions.times(video_id),
        spread_times(NUM_SAMPLES, duration),
    )


def _parse(path, number, fields):
    try:
        video_id, frame, *scores = fields
        frame = int(frame)
        # NumPy's own parsing of strings takes several times as long.
        scores = np.array(list(map(float, scores)))
    except ValueError as error:
        raise ValueError(
            "A line must be an id, a whole frame number and numbers. "
            f"Received: {error} in {path}, line {number}"
        ) from error
    num_bad = np.count_nonzero(~(scores < np.inf))
    if not len(scores) or num_bad:
        raise ValueError(
            "A line must hold scores, none of them NaN or +inf. Received: "
            f"{len(scores)} scores, {num_bad} of them NaN or +inf, in {path}, "
            f"line {number}"
        )
    return video_id, frame, scores


def _place_frames(path, frames, num_classes):
    first_frame = 1
    if min(min(rows) for rows in frames.values()) == 0:
        first_frame = 0
        warnings.warn(
            f"The frames of {path} start at 0. They are read as if they "
            "started at 1, as in the official program.",
            stacklevel=3,
        )
    predictions = {}
    num_ignored = num_missing = 0
    for video_id, rows in frames.items():
        scores = np.full((NUM_SAMPLES, num_classes), -np.inf)
        for frame, row in rows.items():
            if first_frame <= frame < first_frame + NUM_SAMPLES:
                scores[frame - first_frame] = row
            else:
                num_ignored += 1
        num_missing += np.count_nonzero(np.isneginf(scores).all(1))
        predictions[video_id] = scores
    if num_ignored:
        warnings.warn(
            f"{num_ignored} lines of {path} are ignored: a video has "
            f"{NUM_SAMPLES} frames.",
            stacklevel=3,
        )
    if num_missing:
        warnings.warn(
            f"{num_missing} frames of the {len(frames)} videos of {path} are "
            "missing and score -inf.",
            stacklevel=3,
        )
    return predictions
