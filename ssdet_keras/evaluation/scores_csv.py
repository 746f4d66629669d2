"""CSV files of frame scores."""

import csv

import numpy as np

from ssdet_keras.evaluation.csv_rows import parse_number
from ssdet_keras.evaluation.csv_rows import read_rows
from ssdet_keras.evaluation.predictions import Predictions
from ssdet_keras.evaluation.text_files import read_text
from ssdet_keras.evaluation.text_files import write_text

_COLUMNS = ["video", "time"]
# Times may be rounded by so much of a step.
_TOLERANCE = 0.25


def read_scores_csv(path):
    """Reads a CSV file of one row per frame.

        video,time,walk,run
        YSKX3,0.0,0.93,0.02
        YSKX3,0.04,0.91,0.03

    The rows of a video follow one another, evenly spaced in time. All times
    of a video may be left blank: row `i` of `T` is then at `i / T` of its
    duration.

    Args:
        path: String or path-like. May be compressed with gzip.

    Returns:
        `Predictions` of float64 scores, with a row as the unit of frames: the
        `stride` is 1, and `fps` is the number of rows per second.

    Raises:
        ValueError: If the file is no such CSV file or is damaged, if a row
            comes twice, if times are not in order or not evenly spaced, or if
            a score is no number, NaN or `+inf`. Names the file and the line.

    Example:

    ```python
    predictions = read_scores_csv("scores.csv")
    ```
    """
    scores, times, lines = {}, {}, {}
    with read_text(path) as file:
        rows = read_rows(path, file)
        _, header = next(rows, (1, []))
        if header[:2] != _COLUMNS or len(header) < 3:
            raise ValueError(
                "The columns must be video, time and one for each class. "
                f"Received: {header[:4]} in {path}, line 1"
            )
        last_video = None
        for line, (video_id, time, *cells) in rows:
            if video_id != last_video and video_id in scores:
                raise ValueError(
                    "The rows of a video must follow one another. Received: "
                    f"{video_id!r} again in {path}, line {line}"
                )
            last_video = video_id
            scores.setdefault(video_id, []).append(
                _parse_scores(cells, path, line)
            )
            time = parse_number(time, "A time", path, line) if time else None
            times.setdefault(video_id, []).append(time)
            lines.setdefault(video_id, line)
    if not scores:
        raise ValueError(
            f"A CSV file must have rows of scores. Received: path={path}"
        )
    rates, starts = {}, {}
    for video_id, row_times in times.items():
        where = f"{video_id!r} in {path}, from line {lines[video_id]}"
        rates[video_id], starts[video_id] = _find_rate(row_times, where)
    offset = _find_offset(rates, starts, path)
    try:
        return Predictions(
            {video_id: np.array(rows) for video_id, rows in scores.items()},
            class_names=header[2:],
            fps=rates,
            offset=offset,
        )
    except ValueError as error:
        raise ValueError(f"{error} in {path}") from error


def write_scores_csv(path, predictions):
    """Writes a CSV file of one row per frame, as `read_scores_csv` reads it.

    Scores are written with as many digits as it takes to read the same
    numbers back. Times are blank where the frame rate is not known. The file
    appears at `path` once it is complete.

    Args:
        path: String or path-like. Compressed if it ends in `.gz`.
        predictions: `Predictions`, or a dict of video id to an array of
            shape `(rows, classes)`. Classes without names are named by their
            number.

    Raises:
        ValueError: See `Predictions`.

    Example:

    ```python
    write_scores_csv("scores.csv.gz", load_predictions("predictions.npz"))
    ```
    """
    if not isinstance(predictions, Predictions):
        predictions = Predictions(predictions)
    names = predictions.class_names or range(predictions.num_classes)
    with write_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*_COLUMNS, *names])
        for video_id, rows in predictions.items():
            times = [""] * len(rows)
            if video_id in predictions.fps:
                times = predictions.times(video_id).tolist()
            for time, row in zip(times, rows.astype(str), strict=True):
                writer.writerow([video_id, time, *row])


def _parse_scores(cells, path, line):
    try:
        scores = np.array(list(map(float, cells)))
    except ValueError as error:
        raise ValueError(
            f"Scores must be numbers. Received: {error} in {path}, line {line}"
        ) from error
    if not scores.max() < np.inf:
        raise ValueError(
            f"Scores must not be NaN or +inf. Received: {scores.max()} in "
            f"{path}, line {line}"
        )
    return scores


def _find_rate(times, where):
    """Returns the rows per second and the first time, `None` if unknown."""
    if None in times:
        if set(times) != {None}:
            raise ValueError(
                "All times of a video must be there, or none. Received: "
                f"{times.count(None)} of {len(times)} blank of {where}"
            )
        return None, None
    if len(times) == 1:
        return None, times[0]
    step = (times[-1] - times[0]) / (len(times) - 1)
    expected = times[0] + step * np.arange(len(times))
    error = np.abs(np.array(times) - expected)
    if not step > 0 or error.max() > _TOLERANCE * step:
        worst = int(error.argmax())
        raise ValueError(
            "The times of a video must ascend in even steps, each row once. "
            f"Received: {times[worst]} in place of {expected[worst]:.6g}, row "
            f"{worst} of {where}"
        )
    return 1 / step, times[0]


def _find_offset(rates, starts, path):
    """Returns the rows that are missing at the start of every video.

    Sets the rates of videos of a single row, which follow from it.
    """
    offsets = {
        video_id: rate * starts[video_id]
        for video_id, rate in rates.items()
        if rate is not None
    }
    singles = [
        video_id
        for video_id, start in starts.items()
        if rates[video_id] is None and start
    ]
    # Without others, a single row is the second one of its video.
    offset = float(np.median(list(offsets.values()) or [len(singles) > 0]))
    for video_id in singles:
        if offset / starts[video_id] > 0:
            rates[video_id] = offset / starts[video_id]
        offsets[video_id] = offset if rates[video_id] else np.inf
    for video_id, other in offsets.items():
        if abs(other - offset) > _TOLERANCE:
            raise ValueError(
                "The rows of all videos must start equally late, 0.5 rows "
                f"late for example. Received: {starts[video_id]} as the first "
                f"time of {video_id!r} in {path}, {other:.3g} rows late, and "
                f"{offset:.3g} rows of others"
            )
    return offset
