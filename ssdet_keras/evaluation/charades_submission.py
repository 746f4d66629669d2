"""Submission files of the Charades localisation task."""

import gzip
import warnings
import zlib

import numpy as np

from ssdet_keras.data.atomic_write import atomic_write
from ssdet_keras.evaluation.charades import NUM_SAMPLES
from ssdet_keras.evaluation.charades import sample_uniformly


def read_charades_submission(path):
    """Reads a Charades submission.

    A line is the video id, the number of the frame from 1 to 25, and one
    score per class, separated by spaces:

        YSKX3 1 0.123 0.004 ... 0.250
        YSKX3 2 0.127 0.003 ... 0.248

    A line that is not there scores `-inf`. A file whose frames start at 0 is
    read as if they started at 1, as in the official program, and frames after
    the last are ignored; both with a warning.

    Args:
        path: String or path-like. Text, compressed if it ends in `.gz`.

    Returns:
        Dict of video id to a float64 array of shape `(25, classes)`.

    Raises:
        ValueError: If the file is not such text or is damaged, if a line is
            not as above, if a score is NaN, if a frame comes twice or if
            there is no line. Names the file and the line.

    Example:

    ```python
    predictions = read_charades_submission("submission.txt")
    results = charades(predictions, annotations)
    ```
    """
    frames = {}
    num_classes = None
    for number, line in _read_lines(path):
        fields = line.split()
        if not fields:
            continue
        video_id, frame, scores = _parse(path, number, fields)
        num_classes = num_classes or len(scores)
        if len(scores) != num_classes:
            raise ValueError(
                f"Every line must have {num_classes} scores, as the first "
                f"one has. Received: {len(scores)} in {path}, line {number}"
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
    return _place_frames(path, frames, num_classes)


def write_charades_submission(path, predictions):
    """Writes a Charades submission.

    Frames whose scores are all `-inf` are left out. The file appears at
    `path` once it is complete.

    Args:
        path: String or path-like. Compressed if it ends in `.gz`.
        predictions: Dict of video id to an array of shape `(frames,
            classes)`, with row `i` of `T` at `i / T * duration`. Interpolated
            linearly to 25 rows where there are more or fewer.

    Raises:
        ValueError: If `predictions` is empty, if an id is empty or holds a
            space, if a score is NaN, or if the arrays have another rank or
            differ in the number of classes.

    Example:

    ```python
    write_charades_submission("submission.txt.gz", predictions)
    ```
    """
    if not len(predictions):
        raise ValueError(
            "`predictions` must hold at least one video. Received: none"
        )
    arrays = {key: np.asarray(value) for key, value in predictions.items()}
    shape = next(iter(arrays.values())).shape
    for video_id, scores in arrays.items():
        _check(video_id, scores, shape)
    with atomic_write(path) as raw:
        if _is_compressed(path):
            # No name and no time of writing: equal scores, equal files.
            with gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
                _write(file, arrays)
        else:
            _write(raw, arrays)


def _is_compressed(path):
    return str(path).endswith(".gz")


def _read_lines(path):
    """Yields `(line number, line)` of a file."""
    open_text = gzip.open if _is_compressed(path) else open
    try:
        with open_text(path, "rt", encoding="utf-8") as file:
            yield from enumerate(file, start=1)
    except (
        EOFError,
        UnicodeDecodeError,
        gzip.BadGzipFile,
        zlib.error,
    ) as error:
        raise ValueError(
            "A submission must be UTF-8 text, compressed if its name ends in "
            f".gz. Received: path={path} ({error})"
        ) from error


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
    if not len(scores) or np.isnan(scores).any():
        raise ValueError(
            "A line must hold scores, none of them NaN. Received: "
            f"{len(scores)} scores, {np.isnan(scores).sum()} of them NaN, in "
            f"{path}, line {number}"
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
    num_ignored = 0
    for video_id, rows in frames.items():
        scores = np.full((NUM_SAMPLES, num_classes), -np.inf)
        for frame, row in rows.items():
            if first_frame <= frame < first_frame + NUM_SAMPLES:
                scores[frame - first_frame] = row
            else:
                num_ignored += 1
        predictions[video_id] = scores
    if num_ignored:
        warnings.warn(
            f"{num_ignored} lines of {path} are ignored: a video has "
            f"{NUM_SAMPLES} frames.",
            stacklevel=3,
        )
    return predictions


def _check(video_id, scores, shape):
    if (
        len(str(video_id).split()) != 1
        or str(video_id) != str(video_id).strip()
    ):
        raise ValueError(
            f"A video id must be a word without spaces. Received: {video_id!r}"
        )
    if scores.ndim != 2 or not scores.size or scores.shape[1] != shape[-1]:
        raise ValueError(
            "Predictions must have the shape `(frames, classes)`, with the "
            f"same classes for all. Received: shape={scores.shape} for video "
            f"{video_id}"
        )
    if np.isnan(scores).any():
        raise ValueError(
            f"Predictions must not be NaN. Received: NaN for video {video_id}"
        )


def _write(file, predictions):
    for video_id, scores in predictions.items():
        # As many digits as it takes to read the same number back.
        digits = 17 if scores.dtype == np.float64 else 9
        layout = f" %.{digits}g" * scores.shape[1]
        for index, row in enumerate(sample_uniformly(scores).tolist()):
            if max(row) > -np.inf:
                line = f"{video_id} {index + 1}{layout % tuple(row)}\n"
                file.write(line.encode())
