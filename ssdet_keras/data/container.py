"""The formats of video files."""

import os


def read_container(path):
    """Returns the format of a file, if it tells when frames are shown.

    Args:
        path: String. The file.

    Returns:
        `"mp4"`, also for `.mov`, `"matroska"`, also for `.webm`, `"avi"`,
        which tells the times of decoding, or `None` for others.
    """
    with open(path, "rb") as file:
        header = file.read(12)
    if header[4:8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        return "mp4"
    if header[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if header[:4] == b"RIFF" and header[8:] == b"AVI ":
        return "avi"
    return None


def is_cut_off_avi(path):
    """Returns whether an AVI file is shorter than its header tells."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8)[4:], "little")
    return size + 8 > os.path.getsize(path)
