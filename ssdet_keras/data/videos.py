"""Reader of videos in folders, and of segments in a CSV file."""

import math
import os

from ssdet_keras.data.annotation_files import check_not_empty
from ssdet_keras.data.annotation_files import normalise_split
from ssdet_keras.data.annotation_files import read_csv
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

_COLUMNS = ("video", "label")
_OPTIONAL = ("start", "end", "split", "fps", "duration")


def read_videos(
    annotations, video_root=None, split=None, class_names=None, cache=None
):
    """Reads videos of your own, from folders or from a CSV file.

    From a folder of one subfolder per class: every video has one segment,
    its class, which lasts for the whole video.

        videos/jumping/a.mp4
        videos/jumping/b.mp4
        videos/running/c/000001.jpg    (a folder of JPEG frames)

    From a CSV file of one segment a row: a video has as many rows as it has
    segments.

        video,label,start,end
        a.mp4,jumping,1.5,4.0
        a.mp4,running,3.0,9.25
        b.mp4,running,,          (no times: the whole video)
        c.mp4,,,                 (no label: a video in which nothing happens)

    Further columns may be `split`, `fps` and `duration`; the order of the
    columns is free, and unknown ones are ignored. Without a `start` a segment
    begins with the video, without an `end` it ends with it. Segments are
    clipped to the video where there is a `duration`. A record whose video is
    missing is kept, with the expected path. All of this is counted in
    `repairs`.

    The id of a record is `jumping/a.mp4` for a folder, and the `video` of a
    CSV file.

    Args:
        annotations: String or path. The folder of folders, or the CSV file.
        video_root: String, path or `None`. The folder that the `video`
            column of a CSV file is relative to; suffixes may be left out
            there. Defaults to the folder of the CSV file.
        split: String or `None`. Reads the rows of this split alone, such as
            `"train"`. A folder has no splits: read the folder of the split.
        class_names: List of names, or the path of a file of one name per
            line, in the order of the class indices. Defaults to the sorted
            names of the subfolders or labels, of all splits.
        cache: String, path or `None`. An `.npz` file to keep the records in.
            They are taken from it while neither the annotations, the class
            list nor the folders of the videos have changed, and otherwise
            read and kept again. Defaults to `None`.

    Returns:
        `VideoRecords`.

    Raises:
        FileNotFoundError: If there are no annotations, no folder of the
            videos, or none of the videos.
        ValueError: If the file or the folder is not as above, holds no
            videos of the split, or has a label that is not a class name.

    Example:

    ```python
    train = ssdet_keras.data.read_videos("videos/train")
    test = ssdet_keras.data.read_videos(
        "segments.csv", "videos", split="test", class_names=train.class_names
    )
    ```
    """
    return cached_records(
        cache, _read, annotations, video_root, split, class_names
    )


def _read(annotations, video_root, split, class_names):
    path = os.fspath(annotations)
    names = resolve_class_names(class_names)
    repairs = Repairs()
    if os.path.isdir(path):
        if split is not None or video_root not in (None, annotations):
            raise ValueError(
                "A folder of one subfolder per class has neither splits nor "
                "another folder of videos. Received: "
                f"annotations={path}, video_root={video_root}, split={split!r}"
            )
        index = VideoIndex(path)
        records, names = _read_folder(index, names, repairs)
    else:
        rows = _read_rows(path, repairs)
        index = VideoIndex(video_root or os.path.dirname(path) or ".")
        names = names or sorted({row["label"] for row in rows} - {""})
        _check_labels(rows, names, path)
        if split is not None:
            wanted = normalise_split(split)
            rows = [r for r in rows if normalise_split(r["split"]) == wanted]
        records = _read_records(rows, index, names, repairs)
    check_not_empty(records, path, split)
    index.check_any_found()
    return (
        VideoRecords(records, names, repairs.counts, repairs.examples),
        index.fingerprints,
    )


def _read_folder(index, names, repairs):
    _, folders, others = index.list_names("")
    if not folders:
        raise ValueError(
            "A folder of one subfolder per class is expected. Received: "
            f"annotations={index.root}, which holds no folder"
        )
    names = names or folders
    numbers = {name: i for i, name in enumerate(names)}
    records = []
    for folder in folders:
        if folder not in numbers:
            raise ValueError(
                f"Every subfolder must be one of the {len(names)} class "
                f"names. Received: {folder!r} of {index.root}"
            )
        files, frames, others_here = index.list_names(folder)
        others += [f"{folder}/{name}" for name in others_here]
        records += [
            VideoRecord(
                id=f"{folder}/{name}",
                path=os.path.join(index.root, folder, name),
                segments=((numbers[folder], 0.0, math.inf),),
            )
            for name in sorted(files + frames)
        ]
    for name in others:
        repairs.add("file_ignored_no_video", name)
    return records, names


def _read_rows(path, repairs):
    rows = []
    names = ("line", *_COLUMNS, *_OPTIONAL)
    for line, cells in read_csv(
        path, read_text(path), _COLUMNS, repairs, _OPTIONAL
    ):
        rows.append(dict(zip(names, (line, *cells), strict=True)))
    return rows


def _check_labels(rows, names, path):
    known = {"", *names}
    for row in rows:
        if row["label"] not in known:
            raise ValueError(
                f"Every label must be one of the {len(names)} class names. "
                f"Received: {row['label']!r} in line {row['line']} of {path}"
            )


def _read_records(rows, index, names, repairs):
    numbers = {name: i for i, name in enumerate(names)}
    rows_of_video = {}
    for row in rows:
        rows_of_video.setdefault(row["video"], []).append(row)
    records = []
    for video_id, its_rows in rows_of_video.items():
        fps, duration = (
            _read_number(name, its_rows, repairs)
            for name in ("fps", "duration")
        )
        segments = {}
        for row in its_rows:
            segment = _read_segment(row, numbers)
            if segment in segments:
                repairs.add("row_dropped_duplicate", video_id)
            segments[segment] = True
        segments.pop(None, None)
        records.append(
            VideoRecord(
                id=video_id,
                path=index.find_file(
                    os.path.normpath(video_id), repairs, video_id
                ),
                fps=fps,
                duration=duration,
                segments=clean_segments(segments, duration, repairs, video_id),
            )
        )
    return records


def _read_number(name, rows, repairs):
    """Returns the first of the numbers that the rows of a video tell."""
    video_id = rows[0]["video"]
    cells = dict.fromkeys(row[name] for row in rows if row[name])
    if not cells:
        return None
    if len(cells) > 1:
        repairs.add(f"conflicting_{name}", video_id)
    return parse_positive(next(iter(cells)), name, repairs, video_id)


def _read_segment(row, numbers):
    """Returns `(class_index, start, end)`, or `None` without a label."""
    if not row["label"]:
        return None
    start = parse_seconds(row["start"] or "0")
    end = parse_seconds(row["end"]) if row["end"] else math.inf
    return numbers[row["label"]], start, end
