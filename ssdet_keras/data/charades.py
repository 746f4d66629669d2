"""Reader of the Charades data set."""

import os
import re

from ssdet_keras.data.annotation_files import check_not_empty
from ssdet_keras.data.annotation_files import is_json
from ssdet_keras.data.annotation_files import normalise_split
from ssdet_keras.data.annotation_files import read_csv
from ssdet_keras.data.annotation_files import read_json_actions
from ssdet_keras.data.annotation_files import read_text
from ssdet_keras.data.cached_records import cached_records
from ssdet_keras.data.class_names import resolve_class_names
from ssdet_keras.data.repairs import Repairs
from ssdet_keras.data.repairs import clean_segments
from ssdet_keras.data.repairs import parse_positive
from ssdet_keras.data.repairs import parse_seconds
from ssdet_keras.data.video_index import VideoIndex
from ssdet_keras.data.video_record import VideoRecord
from ssdet_keras.data.video_records import VideoRecords

_NUM_CLASSES = 157
_COLUMNS = ("id", "actions", "length")
_CODE = re.compile("c([0-9]{1,6})")


def read_charades(
    annotations, video_root=None, split=None, class_names=None, cache=None
):
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
        video_root: String, path or `None`. The folder of the videos. Without
            one, as for the evaluation of predictions, nothing is looked for,
            and the path of a record is a name alone. Defaults to `None`.
        split: String or `None`. Reads this split of a JSON file alone,
            `"training"` (or `"train"`) or `"testing"` (or `"test"`). Each CSV
            file holds one split: asking the file of the other one is an error.
        class_names: List of names in the order of the class indices, or the
            path of a file of lines `c000 Name`. Defaults to 157 names `"c000"`
            to `"c156"`.
        cache: String, path or `None`. An `.npz` file to keep the records in,
            outside of the folders of the videos. They are taken from it while
            neither the annotations, the class list nor the folders of the
            videos have changed, and otherwise read and kept again. Defaults
            to `None`.

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
    return cached_records(
        cache, _read, annotations, video_root, split, class_names
    )


def _read(annotations, video_root, split, class_names):
    path = os.fspath(annotations)
    repairs = Repairs()
    text = read_text(path)
    names = resolve_class_names(class_names)
    if names is None:
        names = [f"c{i:03d}" for i in range(_NUM_CLASSES)]
    if is_json(text):
        videos = [
            (video_id, duration, actions)
            for video_id, subset, duration, actions in read_json_actions(
                path, text, len(names), first_class=0, repairs=repairs
            )
            if split is None or subset == normalise_split(split)
        ]
    else:
        _check_split_of_csv(path, split)
        videos = _read_csv_videos(path, text, len(names), repairs)
    check_not_empty(videos, path, split)

    index = VideoIndex(video_root)
    records = {}
    for video_id, duration, actions in videos:
        if video_id in records:
            repairs.add("row_dropped_duplicate", video_id)
            continue
        duration = parse_positive(duration, "duration", repairs, video_id)
        records[video_id] = VideoRecord(
            id=video_id,
            path=index.find(("",), (video_id,), repairs, video_id),
            duration=duration,
            segments=clean_segments(actions, duration, repairs, video_id),
        )
    index.check_any_found()
    return (
        VideoRecords(records.values(), names, repairs.counts, repairs.examples),
        index.fingerprints,
    )


def _read_csv_videos(path, text, num_classes, repairs):
    videos = []
    for line, cells in read_csv(path, text, _COLUMNS, repairs):
        video_id, actions, length = cells
        actions = [
            _parse_action(action, num_classes, f"line {line} of {path}")
            for action in actions.split(";")
            if action.strip()
        ]
        videos.append((video_id, length, actions))
    return videos


def _parse_action(action, num_classes, where):
    """Returns `(class_index, start, end)` of a text such as `c092 1.0 2.0`."""
    name, *times = action.split()
    match = _CODE.fullmatch(name)
    if match is None or int(match[1]) >= num_classes:
        raise ValueError(
            f"Every class must be one of the {num_classes} classes "
            f"c000 to c{num_classes - 1:03d}. Received: {name[:60]!r} in "
            f"{where}"
        )
    start, end = times if len(times) == 2 else (None, None)
    return int(match[1]), parse_seconds(start), parse_seconds(end)


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
