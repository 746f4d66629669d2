"""What the readers of annotation files share."""

import csv
import json
import math
import os

_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "validate": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


class Repairs:
    """Counts what was changed in dirty annotations."""

    def __init__(self):
        self.counts = {}
        self.examples = {}

    def add(self, name, video_id):
        """Counts one repair of a video."""
        self.counts[name] = self.counts.get(name, 0) + 1
        self.examples.setdefault(name, video_id)


def read_lines(path):
    """Returns `(line number, text)` of every line of a text file."""
    check_file(path)
    try:
        with open(path, encoding="utf-8-sig") as file:
            return [(n, line.rstrip("\n")) for n, line in enumerate(file, 1)]
    except UnicodeDecodeError as error:
        raise ValueError(
            f"Annotations must be UTF-8 text. Received: path={path} ({error})"
        ) from error


def read_csv(path, columns, repairs):
    """Yields `(line number, row dict)` of a CSV file with a header line.

    Rows with too few or too many cells are left out and counted.
    """
    texts = [text for _, text in read_lines(path)]
    reader = csv.DictReader(text + "\n" for text in texts)
    try:
        missing = [c for c in columns if c not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(
                f"A CSV file with the columns {list(columns)} is expected. "
                f"Received: path={path}, without {missing}"
            )
        line = reader.line_num
        for row in reader:
            first_line, line = line + 1, reader.line_num
            if None not in row and None not in row.values():
                yield first_line, row
            elif line > first_line and line == len(texts):
                raise ValueError(
                    "A valid CSV file is expected. Received: "
                    f"path={path}, where a quote in line {first_line} is never "
                    "closed"
                )
            else:
                repairs.add("row_dropped_malformed", f"line {first_line}")
    except csv.Error as error:
        raise ValueError(
            "A valid CSV file is expected. Received: "
            f"path={path} ({error} in line {reader.line_num})"
        ) from error


def read_json(path):
    """Returns the object of a JSON file: a dict of one dict per video."""
    text = "\n".join(text for _, text in read_lines(path))
    try:
        videos = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(
            f"A valid JSON file is expected. Received: path={path} ({error})"
        ) from error
    if not isinstance(videos, dict):
        raise ValueError(
            "A JSON object with one entry per video is expected. "
            f"Received: path={path}, which holds a {type(videos).__name__}"
        )
    for video_id, entry in videos.items():
        if not isinstance(entry, dict):
            raise ValueError(
                "A JSON object with one object per video is expected. "
                f"Received: {video_id!r}: {str(entry)[:60]} in {path}"
            )
    return videos


def read_json_actions(path, num_classes, first_class):
    """Returns the videos of a JSON file in the format of Charades.

    Args:
        path: String. A file of `{"id": {"subset", "duration", "actions"}}`,
            where an action is `[class, start, end]`.
        num_classes: Integer.
        first_class: Integer. The number of the first class, 0 or 1.

    Returns:
        List of `(video id, normalised split, duration, actions)`, classes
        from 0.
    """
    last_class = first_class + num_classes - 1
    videos = []
    for video_id, entry in read_json(path).items():
        found = entry.get("actions", [])
        if not isinstance(found, list):
            found = [found]
        actions = []
        for action in found:
            if not isinstance(action, list) or len(action) != 3:
                raise ValueError(
                    "Each action must be [class, start, end]. Received: "
                    f"{str(action)[:60]} of video {video_id!r} in {path}"
                )
            number, start, end = action
            if type(number) is not int or not (
                first_class <= number <= last_class
            ):
                raise ValueError(
                    "Every class must be a number from "
                    f"{first_class} to {last_class}. Received: {number!r} of "
                    f"video {video_id!r} in {path}"
                )
            actions.append((number - first_class, start, end))
        split = normalise_split(entry.get("subset", ""))
        videos.append((video_id, split, entry.get("duration"), actions))
    return videos


def check_file(path):
    """Raises an error if there is no such annotation file."""
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"The annotation file does not exist. Received: {os.fspath(path)}"
        )


def check_not_empty(records, path, split=None):
    """Raises an error if no video was read."""
    if not records:
        of_split = "" if split is None else f" of split={split!r}"
        raise ValueError(
            f"The annotations hold no videos{of_split}. Received: path={path}"
        )


def normalise_split(split):
    """Returns "train", "val", "test", or another name in lower case."""
    name = str(split).strip().lower()
    return _SPLITS.get(name, name)


def parse_seconds(value):
    """Returns a time as a finite float, or `None`."""
    if isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) else None


def parse_duration(value, repairs, video_id):
    """Returns a positive duration, or `None`, which is counted."""
    duration = parse_seconds(value)
    if duration is None or duration <= 0:
        repairs.add("unknown_duration", video_id)
        return None
    return duration


def clean_segment(segment, duration, repairs, video_id):
    """Clips a segment to its video. Returns `None` if nothing is left.

    Args:
        segment: Tuple `(class_index, start, end)`, times of any type.
        duration: Float or `None`. Length of the video in seconds.
        repairs: `Repairs`, which counts what is changed.
        video_id: String.
    """
    index, start, end = segment
    start, end = parse_seconds(start), parse_seconds(end)
    if start is None or end is None:
        repairs.add("segment_dropped_no_time", video_id)
        return None
    if end < start:
        repairs.add("segment_dropped_inverted", video_id)
        return None
    if end < 0:
        repairs.add("segment_dropped_before_video", video_id)
        return None
    if duration is not None and start > duration:
        repairs.add("segment_dropped_after_video", video_id)
        return None
    if start < 0:
        repairs.add("segment_start_clipped", video_id)
        start = 0.0
    if duration is not None and end > duration:
        repairs.add("segment_end_clipped", video_id)
        end = duration
    return index, start, end
