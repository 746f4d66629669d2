"""Files of the segments of one video."""

import csv
import io
import json
import os

from ssdet_keras.data.atomic_write import atomic_write

_COLUMNS = ["class", "start", "end", "score"]


def write_segments(path, segments, class_names):
    """Writes the segments of one video as a CSV or JSON file.

    A CSV file has a row per segment below a header, a JSON file is a list of
    objects of the same names:

        class,start,end,score
        walk,1.500,4.250,0.8712

        [{"class": "walk", "start": 1.5, "end": 4.25, "score": 0.8712}]

    Times are in seconds, rounded to milliseconds. The file is UTF-8, and
    appears at `path` once it is complete.

    Args:
        path: String or path-like. File to write, ending in `.csv` or `.json`.
        segments: Iterable of `DetectedSegment`.
        class_names: Sequence of strings.

    Raises:
        ValueError: If the path has another ending, or a class has no name.

    Example:

    ```python
    segments = detections.segments(threshold=0.5)
    write_segments("pancake.csv", segments, detections.class_names)
    ```
    """
    ending = os.path.splitext(path)[1].lower()
    if ending not in _FORMATTERS:
        raise ValueError(
            f"`path` must end in one of {list(_FORMATTERS)}. Received: "
            f"path={os.fspath(path)}"
        )
    rows = [
        (name_class(segment, class_names), *segment[1:]) for segment in segments
    ]
    text = _FORMATTERS[ending](rows)
    with atomic_write(path) as file:
        file.write(text.encode())


def name_class(segment, class_names):
    """Returns the name of the class of a segment, or raises an error."""
    index = segment.class_index
    if not 0 <= index < len(class_names):
        raise ValueError(
            f"`class_names` must name every class. Received: "
            f"{len(class_names)} names, class_index={index}"
        )
    return str(class_names[index])


def _format_csv(rows):
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for name, start, end, score in rows:
        writer.writerow([name, f"{start:.3f}", f"{end:.3f}", f"{score:.4f}"])
    return file.getvalue()


def _format_json(rows):
    objects = [
        {
            "class": name,
            "start": round(start, 3),
            "end": round(end, 3),
            "score": round(score, 4),
        }
        for name, start, end, score in rows
    ]
    return json.dumps(objects, indent=2, ensure_ascii=False) + "\n"


_FORMATTERS = {".csv": _format_csv, ".json": _format_json}
