"""JSON files of detected segments."""

import json
import math
import reprlib

from ssdet_keras.evaluation.detections import check_detections
from ssdet_keras.evaluation.detections import number_classes
from ssdet_keras.evaluation.find_segments import DetectedSegment
from ssdet_keras.evaluation.predictions import check_text
from ssdet_keras.evaluation.text_files import read_text
from ssdet_keras.evaluation.text_files import write_text


def read_detections_json(path, class_names):
    """Reads detections in the format of ActivityNet and THUMOS.

        {"version": "VERSION 1.3",
         "results": {"YSKX3": [{"label": "run", "segment": [1.5, 4.25],
                                "score": 0.87}]},
         "external_data": {}}

    Args:
        path: String or path-like. May be compressed with gzip.
        class_names: Sequence of strings. The name of each class index.

    Returns:
        Dict of video id to a list of `DetectedSegment`.

    Raises:
        ValueError: If the file is no such JSON file or is damaged, if a video
            comes twice, if a class is unknown, a number is none or not
            finite, or a segment ends before it starts. Names the file, the
            video and the number of the segment, from 0.

    Example:

    ```python
    detections = read_detections_json("detections.json", ["walk", "run"])
    ```
    """
    numbers = number_classes(class_names)
    results = _load(path)
    detections = {}
    for video_id, entries in results.items():
        try:
            check_text("A video id", video_id)
        except ValueError as error:
            raise ValueError(f"{error} in {path}") from error
        if not isinstance(entries, list):
            raise ValueError(
                "The results of a video must be a list. Received: "
                f"{reprlib.repr(entries)} of video {video_id} in {path}"
            )
        detections[video_id] = [
            _parse(entry, numbers, f"segment {index} of {video_id} in {path}")
            for index, entry in enumerate(entries)
        ]
    return detections


def write_detections_json(path, detections, class_names):
    """Writes detections in the format of ActivityNet and THUMOS.

    The file appears at `path` once it is complete.

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
    segments = find_segments(scores, fps=24)
    write_detections_json("detections.json", {"YSKX3": segments}, names)
    ```
    """
    class_names = list(class_names)
    check_detections(detections, class_names)
    results = {
        video_id: [
            {
                "label": class_names[class_index],
                "segment": [float(start), float(end)],
                "score": float(score),
            }
            for class_index, start, end, score in segments
        ]
        for video_id, segments in detections.items()
    }
    content = {
        "version": "VERSION 1.3",
        "results": results,
        "external_data": {},
    }
    with write_text(path) as file:
        json.dump(content, file, ensure_ascii=False)


def _load(path):
    """Returns the `"results"` of a file."""
    with read_text(path) as file:
        text = file.read()
    try:
        content = json.loads(text, object_pairs_hook=_make_dict)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"A JSON file is expected. Received: path={path} ({error})"
        ) from error
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(results, dict):
        raise ValueError(
            'A JSON object whose "results" are an object is expected. '
            f"Received: {reprlib.repr(content)} in {path}"
        )
    return results


def _make_dict(pairs):
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} comes twice")
    return made


def _parse(entry, numbers, where):
    """Returns the `DetectedSegment` of a JSON object."""
    try:
        label, (start, end), score = (
            entry[key] for key in ("label", "segment", "score")
        )
        # True is a number to Python.
        if bool in map(type, (start, end, score)):
            raise TypeError
        start, end, score = map(float, (start, end, score))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            'A segment must have a "label", a "segment" of start and end, and '
            f'a "score". Received: {reprlib.repr(entry)} as {where}'
        ) from error
    if not isinstance(label, str) or label not in numbers:
        raise ValueError(
            f"A label must be one of the {len(numbers)} classes. Received: "
            f"{reprlib.repr(label)} of {where}"
        )
    if not (-math.inf < start <= end < math.inf and math.isfinite(score)):
        raise ValueError(
            "A segment must end after it starts, and have a finite score. "
            f"Received: {reprlib.repr(entry)} as {where}"
        )
    return DetectedSegment(numbers[label], start, end, score)
