"""What the header of an mp4 file tells of its frames."""

import os
import struct
from typing import NamedTuple

_CONTAINERS = (b"trak", b"mdia", b"minf", b"stbl", b"edts")


class Mp4Header(NamedTuple):
    """What the header of an mp4 file tells of its frames.

    Attributes:
        num_frames: Integer. Number of frames that are stored.
        is_edited: Boolean. Whether an edit list leaves some of them out, as
            where a part of a video was copied without encoding it anew.
    """

    num_frames: int
    is_edited: bool


def read_mp4_header(path):
    """Returns the `Mp4Header` of a file.

    It takes one read, however long the video is.

    Args:
        path: String. The file.

    Returns:
        `Mp4Header`, or `None` if the file is none of `.mp4`, `.m4v` and
        `.mov`, is stored in fragments, or has not just one video track.
    """
    try:
        moov = _read_moov(path)
        if moov is None or any(kind == b"mvex" for kind, _ in _boxes(moov)):
            return None
        tracks = [
            _open_boxes(content)
            for kind, content in _boxes(moov)
            if kind == b"trak"
        ]
        tracks = [track for track in tracks if track[b"hdlr"][8:12] == b"vide"]
        if len(tracks) != 1:
            return None
        (num_frames,) = struct.unpack_from(">I", tracks[0][b"stsz"], 8)
        movie = _open_boxes(moov)
        return Mp4Header(num_frames, _is_edited(movie, tracks[0]))
    except (KeyError, struct.error, ZeroDivisionError):
        return None


def _read_moov(path):
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        if file.read(8)[4:] not in (b"ftyp", b"moov", b"mdat", b"wide"):
            return None
        position = 0
        while position < size:
            file.seek(position)
            start, length, kind = _box_header(file.read(16), size - position)
            if kind == b"moov":
                file.seek(position + start)
                return file.read(length - start)
            position += length
    return None


def _box_header(header, rest):
    """Returns where the content of a box starts, its length and kind."""
    length, kind = struct.unpack_from(">I4s", header)
    if length == 1:
        return 16, max(16, struct.unpack_from(">Q", header, 8)[0]), kind
    return 8, max(8, length or rest), kind


def _boxes(content):
    """Yields `(kind, content)` of the boxes in a box."""
    position = 0
    while position + 8 <= len(content):
        start, length, kind = _box_header(
            content[position : position + 16], len(content) - position
        )
        yield kind, content[position + start : position + length]
        position += length


def _open_boxes(content):
    """Returns the first box of each kind, at whatever depth, in a track."""
    opened = {}
    for kind, inner in _boxes(content):
        opened.setdefault(kind, inner)
        if kind in _CONTAINERS:
            opened = _open_boxes(inner) | opened
    return opened


def _is_edited(movie, track):
    if b"elst" not in track:
        return False
    movie_scale, _ = _scale_and_duration(movie[b"mvhd"])
    scale, duration = _scale_and_duration(track[b"mdhd"])
    # An edit from time -1 only delays the start.
    edits = [edit for edit in _edits(track[b"elst"]) if edit[1] >= 0]
    if len(edits) != 1:
        return True
    edit_duration, edit_start = edits[0]
    # Of a video with B-frames, the first frame is not at time 0.
    first_frame = 0
    if b"ctts" in track:
        (first_frame,) = struct.unpack_from(">i", track[b"ctts"], 12)
    if edit_start > first_frame:
        return True
    # Both durations are rounded, to less than half a frame.
    (num_frames,) = struct.unpack_from(">I", track[b"stsz"], 8)
    missing = duration / scale - edit_duration / movie_scale
    return edit_duration > 0 and missing > 0.5 * duration / scale / num_frames


def _scale_and_duration(content):
    if content[0] == 1:
        return struct.unpack_from(">IQ", content, 20)
    return struct.unpack_from(">II", content, 12)


def _edits(content):
    """Returns the `(duration, start)` of the edits of a list."""
    (count,) = struct.unpack_from(">I", content, 4)
    layout = ">Qq4x" if content[0] == 1 else ">Ii4x"
    return [
        struct.unpack_from(layout, content, 8 + i * struct.calcsize(layout))
        for i in range(count)
    ]
