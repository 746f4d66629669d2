"""Reader of the Kinetics data sets."""

import collections
import os
import re
import reprlib
from typing import NamedTuple

from ssdet_keras.data.annotation_files import check_not_empty
from ssdet_keras.data.annotation_files import is_json
from ssdet_keras.data.annotation_files import normalise_split
from ssdet_keras.data.annotation_files import read_csv
from ssdet_keras.data.annotation_files import read_json
from ssdet_keras.data.annotation_files import read_text
from ssdet_keras.data.annotation_files import split_lines
from ssdet_keras.data.cached_records import cached_records
from ssdet_keras.data.class_names import resolve_class_names
from ssdet_keras.data.repairs import Repairs
from ssdet_keras.data.repairs import parse_seconds
from ssdet_keras.data.video_index import VideoIndex
from ssdet_keras.data.video_record import VideoRecord
from ssdet_keras.data.video_records import VideoRecords

_COLUMNS = ("youtube_id", "label", "time_start", "time_end", "split")
# At most six digits: the classes below the largest number are listed.
_LIST_LINE = re.compile(r"(.*[^\s,])(?:\s*,\s*|\s+)([0-9]{1,6})")


def read_kinetics(
    annotations, video_root, split=None, class_names=None, cache=None
):
    """Reads the annotations of a Kinetics data set.

    Three formats are told apart by their content:

        label,youtube_id,time_start,time_end,split   (official CSV)
        path label                                   (PySlowFast list)
        {"id": {"subset": "train", "annotations":    (JSON)
            {"label": "abseiling", "segment": [3.0, 13.0]}}}

    Videos are looked for as `<split>/<name>`, `<split>/<label>/<name>`,
    `<label>/<name>` and `<name>` below `video_root`, where `<name>` is
    `<id>_<start>_<end>`, the times in seconds with six digits, or `<id>`; as
    video files or as folders of JPEG frames. A record whose video is missing
    is kept, with the expected path, and counted in `repairs`.

    Each video has one segment, its class, which lasts for the whole video.

    Args:
        annotations: String or path. The annotation file.
        video_root: String or path. The folder of the videos. Paths of a
            PySlowFast list are relative to it.
        split: String or `None`. Reads this split alone, such as `"train"`,
            `"validate"` (or `"val"`) or `"test"`. A PySlowFast list holds
            one split, whichever is asked for.
        class_names: List of names, or the path of a file of one name per
            line, in the order of the class indices. Defaults to the sorted
            labels of the file, of all of its splits.
        cache: String, path or `None`. An `.npz` file to keep the records in.
            They are taken from it while neither the annotations, the class
            list nor the folders of the videos have changed, and otherwise
            read and kept again. Defaults to `None`.

    Returns:
        `VideoRecords`.

    Raises:
        FileNotFoundError: If there is no annotation file, no folder of the
            videos, or none of the videos.
        ValueError: If the file is not in one of the formats, holds no
            videos of the split, or has a label that is not a class name.

    Example:

    ```python
    records = ssdet_keras.data.read_kinetics(
        "kinetics400/train.csv", "kinetics400/videos", split="train"
    )
    ```
    """
    return cached_records(
        cache, _read, annotations, video_root, split, class_names
    )


def _read(annotations, video_root, split, class_names):
    path = os.fspath(annotations)
    repairs = Repairs()
    rows, is_list = _read_rows(path, repairs)
    index = VideoIndex(video_root)
    names = resolve_class_names(class_names)
    if is_list:
        names, numbers = _number_list(rows, names)
    else:
        names = names or sorted({row.label for row in rows})
        numbers = {name: i for i, name in enumerate(names)}
    _check_labels(rows, numbers, path)
    if split is not None and not is_list:
        wanted = normalise_split(split)
        rows = [row for row in rows if normalise_split(row.split) == wanted]
    check_not_empty(rows, path, split)

    rows = _drop_duplicates(rows, repairs)
    num_clips = collections.Counter(row.id for row in rows)
    # One tuple for all videos of a class.
    segments = {
        label: ((number, 0.0, float("inf")),)
        for label, number in numbers.items()
    }
    folders = {}
    records = []
    for row in rows:
        name = _clip_name(row)
        records.append(
            VideoRecord(
                id=name if num_clips[row.id] > 1 else row.id,
                path=_find_video(row, name, index, folders, repairs),
                duration=_duration(row, repairs),
                segments=segments[row.label],
            )
        )
    index.check_any_found()
    return (
        VideoRecords(records, names, repairs.counts, repairs.examples),
        index.fingerprints,
    )


class _Row(NamedTuple):
    place: int | str  # Its line, or the id of the video in a JSON file.
    id: str
    label: str
    split: str = ""
    start: float | None = None
    end: float | None = None
    file: str = ""  # Of a list.


def _read_rows(path, repairs):
    """Returns the rows, and whether they are of a PySlowFast list."""
    text = read_text(path)
    if is_json(text):
        return _read_json_rows(path, text, repairs), False
    first = next((t for _, t in split_lines(text) if t.strip()), "")
    if "youtube_id" in [name.strip(' "') for name in first.split(",")]:
        return _read_csv_rows(path, text, repairs), False
    return _read_list_rows(path, text), True


def _read_csv_rows(path, text, repairs):
    rows = []
    for line, cells in read_csv(path, text, _COLUMNS, repairs):
        video_id, label, start, end, split = cells
        if not label:
            repairs.add("row_dropped_malformed", f"line {line}")
            continue
        start, end = parse_seconds(start), parse_seconds(end)
        rows.append(_Row(line, video_id, label, split, start, end))
    return rows


def _read_json_rows(path, text, repairs):
    rows = []
    for video_id, entry in read_json(path, text, repairs).items():
        annotation = entry.get("annotations")
        label = isinstance(annotation, dict) and annotation.get("label")
        if not isinstance(label, str) or not label.strip():
            raise ValueError(
                'Each video must have "annotations" with a "label". Received: '
                f"{video_id!r}: {reprlib.repr(entry)} in {path}"
            )
        segment = annotation.get("segment")
        if not isinstance(segment, list) or len(segment) != 2:
            segment = (None, None)
        rows.append(
            _Row(
                video_id,
                video_id,
                label.strip(),
                entry.get("subset", ""),
                *map(parse_seconds, segment),
            )
        )
    return rows


def _read_list_rows(path, text):
    rows = []
    for line, row in split_lines(text):
        row = row.strip()
        if not row:
            continue
        match = _LIST_LINE.fullmatch(row)
        if match is None:
            raise ValueError(
                "A Kinetics CSV file with a header line, a JSON file, or a "
                'list of lines "path label" with integer labels is expected. '
                f"Received: {row[:60]!r} in line {line} of {path}"
            )
        video, label = match.groups()
        rows.append(
            _Row(
                line,
                os.path.splitext(os.path.basename(video))[0],
                str(int(label)),
                file=os.path.normpath(video),
            )
        )
    return rows


def _number_list(rows, names):
    """Returns the names of the classes, and their indices by label."""
    if names is None:
        count = max((int(row.label) + 1 for row in rows), default=0)
        names = [str(i) for i in range(count)]
    return names, {str(i): i for i in range(len(names))}


def _check_labels(rows, numbers, path):
    for row in rows:
        if row.label not in numbers:
            kind = "line" if isinstance(row.place, int) else "video"
            raise ValueError(
                f"Every label must be one of the {len(numbers)} class names. "
                f"Received: {row.label!r} in {kind} {row.place} of {path}"
            )


def _drop_duplicates(rows, repairs):
    seen = set()
    kept = []
    for row in rows:
        key = row.id, row.start, row.end, row.label, row.file
        if key in seen:
            repairs.add("row_dropped_duplicate", row.id)
        else:
            seen.add(key)
            kept.append(row)
    return kept


def _clip_name(row):
    if row.file:
        return os.path.splitext(row.file)[0].replace(os.sep, "/")
    if row.start is None or row.end is None:
        return row.id
    return f"{row.id}_{int(row.start):06d}_{int(row.end):06d}"


def _duration(row, repairs):
    if row.start is None or row.end is None:
        return None
    duration = row.end - row.start
    if 0 < duration < float("inf"):
        return duration
    repairs.add("unknown_duration", row.id)
    return None


def _find_video(row, name, index, folders, repairs):
    if row.file:
        return index.find_file(row.file, repairs, row.id)
    key = row.split, row.label
    if key not in folders:
        folders[key] = _folders_of(row, index)
    return index.find(folders[key], (name, row.id), repairs, row.id)


def _folders_of(row, index):
    """Returns the folders in which the video of a row may be."""
    split = normalise_split(row.split)
    splits = [row.split, split]
    if split == "val":
        splits += ["validate", "validation"]
    labels = [row.label, row.label.replace(" ", "_")]
    folders = [name for name in splits if name and index.has_folder(name)]
    # A missing video is expected in the first of the folders.
    if not folders:
        return ["", *labels]
    nested = [os.path.join(s, name) for s in folders for name in labels]
    return [*folders, *nested, *labels, ""]
