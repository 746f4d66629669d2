"""Lists of videos to leave out."""

import os

from ssdet_keras.data.annotation_files import read_text
from ssdet_keras.data.atomic_write import atomic_write
from ssdet_keras.data.video_records import VideoRecords


def write_skip_list(path, reasons):
    """Writes a list of videos to leave out, the whole file or nothing.

    Args:
        path: String or path. The file: one line `path # reason` per video.
        reasons: Dict of paths of videos to texts.
    """
    lines = ["# Videos to leave out, for --skip_list of the recipes.\n"]
    for video, reason in reasons.items():
        reason = " ".join(reason.replace(" # ", " ").split())
        lines.append(f"{video} # {reason}\n")
    with atomic_write(path) as file:
        file.write("".join(lines).encode("utf-8", "surrogateescape"))


def read_skip_list(path):
    """Reads a list of videos to leave out.

    Args:
        path: String or path. A file of one path per line, with or without a
            reason after ` # `. Lines that are empty or start with `#` are
            left out.

    Returns:
        List of strings, the paths.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not text.
    """
    paths = []
    for line in read_text(path).split("\n"):
        line = line.strip()
        if line and not line.startswith("#"):
            # The last one: a path may hold the same characters.
            video, mark, _ = line.rpartition(" # ")
            paths.append(video.strip() if mark else line)
    return paths


def skip_videos(records, paths, video_root):
    """Leaves videos out of the records of a data set.

    Args:
        records: `VideoRecords`.
        paths: Sequence of paths, relative ones of the working directory or of
            the folder of the videos.
        video_root: String or path. The folder of the videos.

    Returns:
        Tuple `(records, num_unmatched)`: the other `VideoRecords`, and the
        number of paths that are of no video.

    Example:

    ```python
    paths = ssdet_keras.data.read_skip_list("report/skip_list.txt")
    records, _ = ssdet_keras.data.skip_videos(records, paths, "videos")
    ```
    """
    known = {os.path.abspath(record.path) for record in records}
    skipped, num_unmatched = set(), 0
    for path in paths:
        candidates = {
            os.path.abspath(path),
            os.path.abspath(os.path.join(video_root, path)),
        }
        num_unmatched += known.isdisjoint(candidates)
        skipped |= known & candidates
    kept = [r for r in records if os.path.abspath(r.path) not in skipped]
    records = VideoRecords(kept, records.class_names, records.repairs)
    return records, num_unmatched
