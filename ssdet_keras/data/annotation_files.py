"""What the readers of annotation files share."""

import csv
import io
import json
import os
import reprlib

from ssdet_keras.data.repairs import parse_seconds

_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "validate": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def read_text(path):
    """Returns the text of a file, with its line ends as they are."""
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"The annotation file does not exist. Received: {os.fspath(path)}"
        )
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"Annotations must be UTF-8 text. Received: path={path} ({error})"
        ) from error
    if "\0" in text:
        raise ValueError(
            "Annotations must be UTF-8 text. Received: "
            f"path={path}, which holds a zero byte"
        )
    return text


def split_lines(text):
    """Yields `(line number, line)`; lines end as in any system's files."""
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        yield number, line.rstrip("\n")


def is_json(text):
    """Tells whether a text is meant to be JSON."""
    return text.lstrip().startswith(("{", "["))


def read_csv(path, text, columns, repairs, optional=()):
    """Yields `(line number, cells)` of a CSV file with a header line.

    Rows with too few or too many cells are left out and counted.

    Args:
        path: String. Named in errors.
        text: String. The content of the file.
        columns: Sequence of strings. The columns that there must be; the
            first must not be blank.
        repairs: `Repairs`.
        optional: Sequence of strings. Further columns, whose cells are empty
            where there is no such column.

    Yields:
        Pairs of an integer and a list of the stripped cells of `columns` and
        `optional`.
    """
    rows = _split_rows(path, text)
    _, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    missing = [name for name in columns if name not in header]
    if missing:
        raise ValueError(
            f"A CSV file with the columns {list(columns)} is expected. "
            f"Received: path={path}, without {missing}"
        )
    places = [
        header.index(name) if name in header else len(header)
        for name in (*columns, *optional)
    ]
    for line, row in rows:
        if len(row) != len(header) or not row[places[0]].strip():
            repairs.add("row_dropped_malformed", f"line {line}")
            continue
        row.append("")
        yield line, [row[place].strip() for place in places]


def _split_rows(path, text):
    """Yields `(line number, cells)` of the rows that are not empty."""
    reader = csv.reader(io.StringIO(text, newline=""))
    first_line, line = 1, 0
    try:
        for row in reader:
            first_line, line = line + 1, reader.line_num
            if row:
                yield first_line, row
    except csv.Error as error:
        raise ValueError(
            "A valid CSV file is expected. Received: "
            f"path={path} ({error} in line {reader.line_num})"
        ) from error
    if line > first_line:
        _check_last_row(path, text, first_line)


def _check_last_row(path, text, first_line):
    """Raises an error if the last row ends in the middle of a quote."""
    lines = list(io.StringIO(text, newline=""))[first_line - 1 :]
    try:
        list(csv.reader(lines, strict=True))
    except csv.Error as error:
        raise ValueError(
            "A valid CSV file is expected. Received: "
            f"path={path}, where a quote in line {first_line} is never closed"
        ) from error


def read_json(path, text, repairs):
    """Returns the object of a JSON file: a dict of one dict per video.

    Of a name that comes twice the first counts, and the others are counted.
    """

    def keep_first(pairs):
        entries = dict(pairs)
        if len(entries) < len(pairs):
            entries = {}
            for name, value in pairs:
                if name in entries:
                    repairs.add("row_dropped_duplicate", name)
                entries.setdefault(name, value)
        return entries

    try:
        videos = json.loads(text, object_pairs_hook=keep_first)
    # Not JSONDecodeError alone: an integer can have too many digits.
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"A valid JSON file is expected. Received: path={path} ({error})"
        ) from error
    if not isinstance(videos, dict):
        raise ValueError(
            "A JSON object with one entry per video is expected. "
            f"Received: path={path}, which holds a {type(videos).__name__}"
        )
    if videos.pop("", None) is not None:
        repairs.add("row_dropped_malformed", "a video without a name")
    for video_id, entry in videos.items():
        if not isinstance(entry, dict):
            raise ValueError(
                "A JSON object with one object per video is expected. "
                f"Received: {video_id!r}: {reprlib.repr(entry)} in {path}"
            )
        if not isinstance(entry.get("subset", ""), str):
            raise ValueError(
                'The "subset" of each video must be a text. Received: '
                f"{reprlib.repr(entry['subset'])} of video {video_id!r} in "
                f"{path}"
            )
    return videos


def read_json_actions(path, text, num_classes, first_class, repairs):
    """Returns the videos of a JSON file in the format of Charades.

    Args:
        path: String. Named in errors.
        text: String. The content of the file:
            `{"id": {"subset", "duration", "actions"}}`, where an action is
            `[class, start, end]`.
        num_classes: Integer.
        first_class: Integer. The number of the first class, 0 or 1.
        repairs: `Repairs`.

    Returns:
        List of `(video id, normalised split, duration, actions)`, classes
        from 0.
    """
    last_class = first_class + num_classes - 1
    videos = []
    for video_id, entry in read_json(path, text, repairs).items():
        found = entry.get("actions", [])
        if not isinstance(found, list):
            found = [found]
        actions = []
        for action in found:
            if not isinstance(action, list) or len(action) != 3:
                raise ValueError(
                    "Each action must be [class, start, end]. Received: "
                    f"{reprlib.repr(action)} of video {video_id!r} in {path}"
                )
            number, start, end = action
            if type(number) is not int or not (
                first_class <= number <= last_class
            ):
                raise ValueError(
                    "Every class must be a number from "
                    f"{first_class} to {last_class}. Received: "
                    f"{reprlib.repr(number)} of video {video_id!r} in {path}"
                )
            actions.append(
                (
                    number - first_class,
                    parse_seconds(start),
                    parse_seconds(end),
                )
            )
        split = normalise_split(entry.get("subset", ""))
        videos.append((video_id, split, entry.get("duration"), actions))
    return videos


def check_not_empty(records, path, split=None):
    """Raises an error if no video was read."""
    if not records:
        of_split = "" if split is None else f" of split={split!r}"
        raise ValueError(
            f"The annotations hold no videos{of_split}. Received: path={path}"
        )


def normalise_split(split):
    """Returns "train", "val", "test", or another name in lower case."""
    name = split.strip().lower()
    return _SPLITS.get(name, name)
