"""CSV files of detected segments."""

import csv

from ssdet_keras.evaluation.csv_rows import parse_number
from ssdet_keras.evaluation.csv_rows import read_rows
from ssdet_keras.evaluation.detections import check_detections
from ssdet_keras.evaluation.detections import number_classes
from ssdet_keras.evaluation.find_segments import DetectedSegment
from ssdet_keras.evaluation.text_files import read_text
from ssdet_keras.evaluation.text_files import write_text

_COLUMNS = ["video", "class", "start", "end", "score"]


def read_segments_csv(path, class_names):
    """Reads a CSV file of one row per detected segment.

        video,class,start,end,score
        YSKX3,run,1.5,4.25,0.87

    Args:
        path: String or path-like. May be compressed with gzip.
        class_names: Sequence of strings. The name of each class index.

    Returns:
        Dict of video id to a list of `DetectedSegment`.

    Raises:
        ValueError: If the file is no such CSV file or is damaged, or if a
            class is unknown, a number is none or not finite, or a segment
            ends before it starts. Names the file and the line.

    Example:

    ```python
    detections = read_segments_csv("segments.csv", ["walk", "run"])
    ```
    """
    numbers = number_classes(class_names)
    detections = {}
    with read_text(path) as file:
        rows = read_rows(path, file)
        _, header = next(rows, (1, []))
        if header != _COLUMNS:
            raise ValueError(
                f"The columns must be {', '.join(_COLUMNS)}. Received: "
                f"{header[:6]} in {path}, line 1"
            )
        for line, (video_id, name, *cells) in rows:
            if not video_id or name not in numbers:
                raise ValueError(
                    "A row must name a video and one of the "
                    f"{len(numbers)} classes. Received: video {video_id!r}, "
                    f"class {name[:60]!r} in {path}, line {line}"
                )
            start, end, score = (
                parse_number(cell, f"The {column}", path, line)
                for cell, column in zip(cells, _COLUMNS[2:], strict=True)
            )
            if end < start:
                raise ValueError(
                    "A segment must not end before it starts. Received: "
                    f"start={start}, end={end} in {path}, line {line}"
                )
            detections.setdefault(video_id, []).append(
                DetectedSegment(numbers[name], start, end, score)
            )
    return detections


def write_segments_csv(path, detections, class_names):
    """Writes a CSV file of one row per segment.

    A video without segments has no row, and is not there when the file is
    read back. The file appears at `path` once it is complete.

    Args:
        path: String or path-like. Compressed if it ends in `.gz`.
        detections: Dict of video id to a list of `DetectedSegment`, as
            `find_segments` returns it.
        class_names: Sequence of strings. The name of each class index.

    Raises:
        ValueError: If an id is no text, if a class index is none of
            `class_names`, if a number is not finite, or if a segment ends
            before it starts.

    Example:

    ```python
    write_segments_csv("segments.csv", {"YSKX3": segments}, ["walk", "run"])
    ```
    """
    class_names = list(class_names)
    check_detections(detections, class_names)
    with write_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for video_id, segments in detections.items():
            for class_index, *numbers in segments:
                row = map(float, numbers)
                writer.writerow([video_id, class_names[class_index], *row])
