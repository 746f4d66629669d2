"""Reader of the Charades data set."""

import os

from ssdet_keras.data.annotation_files import Repairs
from ssdet_keras.data.annotation_files import check_not_empty
from ssdet_keras.data.annotation_files import clean_segment
from ssdet_keras.data.annotation_files import normalise_split
from ssdet_keras.data.annotation_files import parse_duration
from ssdet_keras.data.annotation_files import read_csv
from ssdet_keras.data.annotation_files import read_json_actions
from ssdet_keras.data.annotation_files import read_lines
from ssdet_keras.data.class_names import resolve_class_names
from ssdet_keras.data.video_index import VideoIndex
from ssdet_keras.data.video_record import VideoRecord
from ssdet_keras.data.video_records import VideoRecords

_NUM_CLASSES = 157
_COLUMNS = ("id", "actions", "length")


def read_charades(annotations, video_root, split=None, class_names=None):
    """Reads the annotations of the Charades data set.

    Two formats are told apart by their content: the official CSV files, where
    `actions` is `c077 12.10 18.00;c079 11.80 17.30` and `length` is in
    seconds, and `charades.json`:

        {"7UPGT": {"subset": "training", "duration": 23.21,
                   "actions": [[149, 16.0, 22.2]]}}

    Videos are `<ID>.mp4` below `video_root`, or folders `<ID>` of JPEG frames
    at 24 frames per second. A record whose video is missing is kept, with the
    expected path. Segments are clipped to the video; inverted ones, and those
    that start after its end, are left out. All of this is counted in
    `repairs`.

    Args:
        annotations: String or path. The annotation file.
        video_root: String or path. The folder of the videos.
        split: String or `None`. Reads this split of a JSON file alone,
            `"training"` (or `"train"`) or `"testing"` (or `"test"`). Each CSV
            file holds one split: asking the file of the other one is an error.
        class_names: List of names in the order of the class indices, or the
            path of a file of lines `c000 Name`. Defaults to 157 names `"c000"`
            to `"c156"`.

    Returns:
        `VideoRecords`.

    Raises:
        FileNotFoundError: If there is no annotation file, no folder of the
            videos, or none of the videos.
        ValueError: If the file is not in one of the formats, holds no
            videos of the split, or has an unknown class.

    Example:

    ```python
    records = ssdet_keras.data.read_charades(
        "Charades_v1_train.csv",
        "Charades_v1_480",
        class_names="Charades_v1_classes.txt",
    )
    ```
    """
    path = os.fspath(annotations)
    repairs = Repairs()
    first = next((t for _, t in read_lines(path) if t.strip()), "").strip()
    names = resolve_class_names(class_names)
    if names is None:
        names = [f"c{i:03d}" for i in range(_NUM_CLASSES)]
    if first.startswith(("{", "[")):
        videos = [
            (video_id, duration, actions)
            for video_id, subset, duration, actions in read_json_actions(
                path, len(names), first_class=0
            )
            if split is None or subset == normalise_split(split)
        ]
    else:
        _check_split_of_csv(path, split)
        videos = _read_csv_videos(path, len(names), repairs)
    check_not_empty(videos, path, split)

    index = VideoIndex(video_root)
    records = {}
    for video_id, duration, actions in videos:
        if video_id in records:
            repairs.add("row_dropped_duplicate", video_id)
            continue
        duration = parse_duration(duration, repairs, video_id)
        segments = [
            clean_segment(action, duration, repairs, video_id)
            for action in actions
        ]
        records[video_id] = VideoRecord(
            id=video_id,
            path=index.find(("",), (video_id,), repairs, video_id),
            duration=duration,
            segments=tuple(s for s in segments if s is not None),
        )
    index.check_any_found()
    return VideoRecords(
        records.values(), names, repairs.counts, repairs.examples
    )


def _read_csv_videos(path, num_classes, repairs):
    videos = []
    for line, row in read_csv(path, _COLUMNS, repairs):
        video_id = row["id"].strip()
        actions = []
        for action in filter(str.strip, row["actions"].split(";")):
            name, *times = action.split()
            code = name[1:]
            if not name.startswith("c") or not code.isdecimal():
                code = num_classes
            if int(code) >= num_classes:
                raise ValueError(
                    f"Every class must be one of the {num_classes} classes "
                    f"c000 to c{num_classes - 1:03d}. "
                    f"Received: {name!r} in line {line} of {path}"
                )
            start, end = times if len(times) == 2 else (None, None)
            actions.append((int(code), start, end))
        videos.append((video_id, row["length"], actions))
    return videos


def _check_split_of_csv(path, split):
    if split is None:
        return
    stem = os.path.splitext(os.path.basename(path))[0]
    of_file = normalise_split(stem.rpartition("_")[2])
    if of_file in ("train", "test") and of_file != normalise_split(split):
        raise ValueError(
            "Each CSV file of Charades holds one split. "
            f"Received: split={split!r} of {path}"
        )
