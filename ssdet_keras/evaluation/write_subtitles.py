"""Subtitles that name activities."""

import itertools
import os

from ssdet_keras.data.atomic_write import atomic_write
from ssdet_keras.evaluation.detections import check_detections


def write_subtitles(path, segments, class_names):
    """Writes the activities of one video as WebVTT or SubRip subtitles.

    Time is cut wherever an activity starts or ends, so that no two cues
    overlap. Each cue has a line for every activity, by their start:

        00:00:01.500 --> 00:00:02.000
        walk

        00:00:02.000 --> 00:00:04.250
        walk
        carry a bag

    Names that players would take for markup are escaped: in WebVTT they are
    shown as they are; SubRip has no escapes, and `<`, `{` and `-->` are
    replaced by characters that look like them. The file is UTF-8, and appears
    at `path` once it is complete. Without segments it is a valid file without
    cues.

    Args:
        path: String or path-like. File to write, ending in `.vtt` or `.srt`.
        segments: Iterable of `DetectedSegment`, in any order.
        class_names: Sequence of strings.

    Raises:
        ValueError: If the path has another ending, a class has no name or two
            have the same, or a segment has no score, ends before it starts, or
            starts before 0.

    Example:

    ```python
    segments = detections.segments(threshold=0.5)
    write_subtitles("pancake.vtt", segments, detections.class_names)
    ```
    """
    ending = os.path.splitext(path)[1].lower()
    if ending not in _FORMATTERS:
        raise ValueError(
            f"`path` must end in one of {list(_FORMATTERS)}. Received: "
            f"path={os.fspath(path)}"
        )
    segments = list(segments)
    check_detections({os.path.basename(path): segments}, class_names)
    text = _FORMATTERS[ending](_make_cues(segments, class_names))
    with atomic_write(path) as file:
        file.write(text.encode())


def _make_cues(segments, class_names):
    """Returns a list of `(start, end, names)`, times in milliseconds."""
    spans = []
    for segment in segments:
        class_index, start, end, _ = segment
        name = " ".join(class_names[class_index].split())
        start, end = round(1000 * start), round(1000 * end)
        if start < 0:
            raise ValueError(
                f"Segments must not start before 0. Received: {segment}"
            )
        spans.append((start, end, name or "-"))
    # At each time, those that end are taken out and those that start put in.
    changes = {}
    for start, end, name in sorted(spans):
        if start < end:
            changes.setdefault(start, []).append((name, 1))
            changes.setdefault(end, []).append((name, -1))
    times = sorted(changes)
    active, cues = {}, []
    for time, next_time in itertools.pairwise(times):
        for name, step in changes[time]:
            active[name] = active.get(name, 0) + step
        active = {name: count for name, count in active.items() if count}
        names = list(active)
        if cues and cues[-1][1:] == (time, names):
            cues[-1] = (cues[-1][0], next_time, names)
        elif names:
            cues.append((time, next_time, names))
    return cues


def _format_vtt(cues):
    blocks = ["WEBVTT\n"]
    for start, end, names in cues:
        lines = [
            name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            for name in names
        ]
        times = f"{_format_time(start, '.')} --> {_format_time(end, '.')}"
        blocks.append("\n".join(["", times, *lines, ""]))
    return "".join(blocks)


def _format_srt(cues):
    blocks = []
    for number, (start, end, names) in enumerate(cues, 1):
        lines = [
            name.replace("-->", "\N{RIGHTWARDS ARROW}")
            .replace("<", "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}")
            .replace("{", "(")
            for name in names
        ]
        times = f"{_format_time(start, ',')} --> {_format_time(end, ',')}"
        blocks.append("\n".join([str(number), times, *lines, ""]))
    return "\n".join(blocks)


def _format_time(milliseconds, mark):
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{milliseconds:03d}"


_FORMATTERS = {".vtt": _format_vtt, ".srt": _format_srt}
