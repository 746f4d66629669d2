"""A page of what is detected in a video, with the video in it."""

import base64
import hashlib
import html
import importlib.resources
import json
import math
import os
import re
import tempfile
import urllib.parse

import numpy as np

from ssdet_keras.visualization.figures import check_class_names
from ssdet_keras.visualization.figures import check_scores

# About the pixels of a timeline in its width.
_MAX_BINS = 1000
# A multiple of 3, so that the parts of the base64 code fit together.
_BYTES_AT_ONCE = 3 * 2**18


def write_detection_page(
    path, video, scores, fps, class_names, segments, truth=None, title=None
):
    """Writes one HTML file that plays a video over a timeline of its scores.

    A click on the timeline or on a segment goes to that time. The classes with
    most activity are on top: those with a segment or ground truth, then by
    their mean score. The file needs no network; all text in it is escaped.

    The scores of a video of more than 1,000 frames are drawn as their least
    and greatest in each of up to 1,000 stretches, so that the page of a long
    video stays small.

    Args:
        path: String or path-like. HTML file to write. It appears when it is
            complete.
        video: Tuple `(path, media_type, content, is_copy, is_regular)`, as
            `data.read_playable_video` gives it. Without `content`, the page
            plays the file from its place relative to the page; without
            `media_type` and `content`, it has no video.
        scores: Array of shape `(frames, classes)`, probabilities. Row `i` is
            from `i / fps` to `(i + 1) / fps` seconds in the video.
        fps: Float. Rows of `scores` per second.
        class_names: Sequence of strings.
        segments: List of tuples `(class_index, start, end, score)`, with times
            in seconds, as `evaluation.find_segments` gives them.
        truth: List of tuples `(class_index, start, end)`, or `None` if the
            video is not annotated.
        title: String. Defaults to the name of the video.

    Raises:
        ValueError: If `scores` has another shape or values outside of
            `[0, 1]`, `fps` is not positive, the names don't fit, or a class
            or time of a segment is out of range.
        OSError: If the file can't be written.

    Example:

    ```python
    with data.VideoFile("pancake.mp4") as video:
        playable = data.read_playable_video(video)
    segments = evaluation.find_segments(scores, fps=video.fps)
    visualization.write_detection_page(
        "pancake.html", playable, scores, video.fps, class_names, segments
    )
    ```
    """
    scores = np.asarray(scores)
    class_names = [str(name) for name in class_names]
    check_scores(scores)
    if not 0 < fps < np.inf:
        raise ValueError(f"`fps` must be positive. Received: fps={fps}")
    check_class_names(class_names, scores.shape[1])
    _check_segments("segments", segments, 4, len(class_names))
    _check_segments("truth", truth or [], 3, len(class_names))
    video_path, media_type, content, is_copy, is_regular = video
    video_path = os.fspath(video_path)
    name = os.path.basename(os.path.normpath(video_path))
    frames_per_bin = math.ceil(len(scores) / _MAX_BINS)
    details = {
        "names": class_names,
        "numFrames": len(scores),
        "framesPerBin": frames_per_bin,
        "duration": len(scores) / float(fps),
        "scores": _encode_scores(scores, frames_per_bin),
        "order": _rank_classes(scores, segments, truth),
        "segments": [_round(segment) for segment in segments],
        "truth": None if truth is None else [_round(item) for item in truth],
        "summary": _summarize(title and name, segments, class_names),
        "video": {
            "type": media_type,
            "url": _get_url(path, video_path) if content is None else None,
            "note": _get_note(name, media_type, content, is_copy, is_regular),
        },
    }
    _write(path, title or name, details, content or b"")


def _check_segments(name, segments, length, num_classes):
    for segment in segments:
        if len(segment) != length:
            raise ValueError(
                f"`{name}` must hold tuples of {length}. Received: "
                f"{tuple(segment)}"
            )
        class_index, start, end, *score = segment
        if class_index not in range(num_classes):
            raise ValueError(
                f"The classes of `{name}` must be in the range "
                f"[0, {num_classes - 1}]. Received: {tuple(segment)}"
            )
        if not 0 <= start <= end < np.inf:
            raise ValueError(
                f"The times of `{name}` must be 0 <= start <= end. Received: "
                f"{tuple(segment)}"
            )
        if not np.isfinite(score).all():
            raise ValueError(
                f"The scores of `{name}` must be finite. Received: "
                f"{tuple(segment)}"
            )


def _encode_scores(scores, frames_per_bin):
    """Returns the least and greatest of each class and bin as bytes."""
    starts = np.arange(0, len(scores), frames_per_bin)
    bounds = np.stack(
        [
            np.minimum.reduceat(scores, starts, axis=0),
            np.maximum.reduceat(scores, starts, axis=0),
        ],
        axis=-1,
    )
    pixels = np.rint(bounds.transpose(1, 0, 2) * 255).astype("uint8")
    return base64.b64encode(pixels.tobytes()).decode()


def _rank_classes(scores, segments, truth):
    is_active = np.zeros(scores.shape[1], bool)
    is_active[[int(item[0]) for item in [*segments, *(truth or [])]]] = True
    rank = scores.mean(0, dtype="float64") + is_active
    return np.argsort(-rank, kind="stable").tolist()


def _round(segment):
    class_index, *numbers = segment
    return [int(class_index), *(round(float(x), 4) for x in numbers)]


def _summarize(name, segments, class_names):
    num_active = len({segment[0] for segment in segments})
    return (
        f"{name + ': ' if name else ''}{len(segments):,} "
        f"segment{'' if len(segments) == 1 else 's'} of {num_active} of "
        f"{len(class_names)} activit{'y' if len(class_names) == 1 else 'ies'}"
    )


def _get_url(page, path):
    folder = os.path.dirname(os.path.abspath(page))
    try:
        path = os.path.relpath(path, folder)
    except ValueError:
        # On another drive of Windows.
        return "file:///" + urllib.parse.quote(path.replace(os.sep, "/"))
    # A colon in a name must not make it a scheme.
    return urllib.parse.quote(os.fsencode(path.replace(os.sep, "/")))


def _get_note(name, media_type, content, is_copy, is_regular):
    if is_copy:
        return "A small copy of the video, without sound."
    if content is not None:
        return None
    if media_type is not None:
        note = (
            f"The video is too large for this page, which plays {name} from "
            "its place. Keep both where they are."
        )
        if not is_regular:
            note += (
                " Its frames may not be evenly spaced: then the times below "
                "are not those of the video."
            )
        return note
    return (
        "The video is not in this page: it is too large, and in a format that "
        "browsers do not play. The times below can be looked at without it."
    )


def _write(path, title, details, content):
    template = importlib.resources.files(__package__)
    template = template.joinpath("detection_page.html").read_text("utf-8")
    script = template.rpartition("<script>")[2].partition("</script>")[0]
    digest = hashlib.sha256(script.encode()).digest()
    values = {
        # Nothing but this very script is run, whatever the names hold.
        "script_hash": base64.b64encode(digest).decode(),
        "title": html.escape(title),
        # "</script>" would end the element. All but ASCII is escaped.
        "data": json.dumps(details).replace("<", r"\u003c"),
    }
    # Once through: what is filled in may hold braces, too.
    before, after = (
        re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], half)
        for half in template.split("{{content}}")
    )
    folder, name = os.path.split(os.path.abspath(path))
    # Beside the page, which appears when it is complete.
    with tempfile.TemporaryDirectory(prefix=".page-", dir=folder) as unfinished:
        part = os.path.join(unfinished, name)
        with open(part, "wb") as file:
            file.write(before.encode("utf-8", "replace"))
            for start in range(0, len(content), _BYTES_AT_ONCE):
                block = content[start : start + _BYTES_AT_ONCE]
                file.write(base64.b64encode(block))
            file.write(after.encode("utf-8", "replace"))
        os.replace(part, path)
