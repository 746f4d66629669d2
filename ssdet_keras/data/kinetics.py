"""Reader of the Kinetics data sets."""

import os

from ssdet_keras.data.annotation_files import Repairs
from ssdet_keras.data.annotation_files import check_not_empty
from ssdet_keras.data.annotation_files import normalise_split
from ssdet_keras.data.annotation_files import parse_seconds
from ssdet_keras.data.annotation_files import read_csv
from ssdet_keras.data.annotation_files import read_json
from ssdet_keras.data.annotation_files import read_lines
from ssdet_keras.data.class_names import resolve_class_names
from ssdet_keras.data.video_index import VideoIndex
from ssdet_keras.data.video_record import VideoRecord
from ssdet_keras.data.video_records import VideoRecords

_COLUMNS = ("label", "youtube_id", "time_start", "time_end", "split")


def read_kinetics(annotations, video_root, split=None, class_names=None):
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
    path = os.fspath(annotations)
    repairs = Repairs()
    rows, is_list = _read_rows(path, repairs)
    index = VideoIndex(video_root)
    names = _class_names(rows, class_names, path)
    number = {name: i for i, name in enumerate(names)}
    if split is not None and not is_list:
        wanted = normalise_split(split)
        rows = [r for r in rows if normalise_split(r["split"]) == wanted]
    check_not_empty(rows, path, split)

    rows = _drop_duplicates(rows, repairs)
    clips_of_video = {}
    for row in rows:
        clips_of_video[row["id"]] = clips_of_video.get(row["id"], 0) + 1
    folders = {}
    records = []
    for row in rows:
        video_id, start, end = row["id"], row["start"], row["end"]
        duration = None
        if start is not None and end is not None:
            if end > start:
                duration = end - start
            else:
                repairs.add("unknown_duration", video_id)
        if clips_of_video[video_id] > 1:
            video_id = _clip_name(row)
        records.append(
            VideoRecord(
                id=video_id,
                path=_find_video(row, index, folders, repairs),
                duration=duration,
                segments=((number[row["label"]], 0.0, float("inf")),),
            )
        )
    index.check_any_found()
    return VideoRecords(records, names, repairs.counts, repairs.examples)


def _read_rows(path, repairs):
    """Returns the rows, and whether they are of a PySlowFast list."""
    lines = read_lines(path)
    first = next((text for _, text in lines if text.strip()), "").strip()
    if first.startswith(("{", "[")):
        return _read_json_rows(path), False
    header = [name.strip() for name in first.split(",")]
    if "youtube_id" in header:
        return _read_csv_rows(path, repairs), False
    return _read_list_rows(path, lines), True


def _read_csv_rows(path, repairs):
    rows = []
    for line, row in read_csv(path, _COLUMNS, repairs):
        rows.append(
            {
                "where": f"line {line}",
                "id": row["youtube_id"].strip(),
                "label": row["label"].strip(),
                "split": row["split"].strip(),
                "start": parse_seconds(row["time_start"]),
                "end": parse_seconds(row["time_end"]),
            }
        )
    return rows


def _read_json_rows(path):
    rows = []
    for video_id, entry in read_json(path).items():
        annotation = entry.get("annotations")
        if not isinstance(annotation, dict) or "label" not in annotation:
            raise ValueError(
                'Each video must have "annotations" with a "label". '
                f"Received: {video_id!r}: {str(entry)[:60]} in {path}"
            )
        segment = annotation.get("segment")
        if not isinstance(segment, list | tuple) or len(segment) != 2:
            segment = (None, None)
        rows.append(
            {
                "where": f"video {video_id!r}",
                "id": video_id,
                "label": str(annotation["label"]).strip(),
                "split": str(entry.get("subset", "")),
                "start": parse_seconds(segment[0]),
                "end": parse_seconds(segment[1]),
            }
        )
    return rows


def _read_list_rows(path, lines):
    rows = []
    for line, text in lines:
        text = text.strip()
        if not text:
            continue
        separator = " " if " " in text else ","
        video, _, label = text.rpartition(separator)
        video, label = video.strip(), label.strip()
        if not video or not label.isdecimal():
            raise ValueError(
                "A Kinetics CSV file with a header line, a JSON file, or a "
                'list of lines "path label" with integer labels is expected. '
                f"Received: {text[:60]!r} in line {line} of {path}"
            )
        rows.append(
            {
                "where": f"line {line}",
                "id": os.path.splitext(os.path.basename(video))[0],
                "label": str(int(label)),
                "split": "",
                "start": None,
                "end": None,
                "file": os.path.normpath(video),
            }
        )
    return rows


def _class_names(rows, class_names, path):
    """Returns the class names, and makes every row's label one of them."""
    names = resolve_class_names(class_names)
    is_list = bool(rows) and "file" in rows[0]
    if names is None:
        labels = {row["label"] for row in rows}
        if is_list:
            return [str(i) for i in range(max(map(int, labels)) + 1)]
        return sorted(labels)
    known = set(names)
    for row in rows:
        label = row["label"]
        if is_list and int(label) < len(names):
            row["label"] = names[int(label)]
        elif label not in known:
            raise ValueError(
                f"Every label must be one of the {len(names)} class names. "
                f"Received: {label!r} in {row['where']} of {path}"
            )
    return names


def _drop_duplicates(rows, repairs):
    seen = set()
    kept = []
    for row in rows:
        key = (
            row["id"],
            row["start"],
            row["end"],
            row["label"],
            row.get("file"),
        )
        if key in seen:
            repairs.add("row_dropped_duplicate", row["id"])
        else:
            seen.add(key)
            kept.append(row)
    return kept


def _clip_name(row):
    if "file" in row:
        return os.path.splitext(row["file"])[0].replace(os.sep, "/")
    if row["start"] is None or row["end"] is None:
        return row["id"]
    return f"{row['id']}_{int(row['start']):06d}_{int(row['end']):06d}"


def _find_video(row, index, folders, repairs):
    if "file" in row:
        return index.find_file(row["file"], repairs, row["id"])
    key = row["split"], row["label"]
    if key not in folders:
        folders[key] = _folders_of(row, index)
    names = (_clip_name(row), row["id"])
    return index.find(folders[key], names, repairs, row["id"])


def _folders_of(row, index):
    """Returns the folders in which the video of a row may be."""
    split = normalise_split(row["split"])
    splits = [row["split"], split]
    if split == "val":
        splits += ["validate", "validation"]
    labels = [row["label"], row["label"].replace(" ", "_")]
    folders = [name for name in splits if name and index.has_folder(name)]
    # A missing video is expected in the first of the folders.
    if not folders:
        return ["", *labels]
    nested = [os.path.join(s, name) for s in folders for name in labels]
    return [*folders, *nested, *labels, ""]
