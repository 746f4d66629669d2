"""Flags that name a data set, shared by the recipes that look after one."""

import os
import sys

from absl import app
from absl import flags

from ssdet_keras.data.list_videos import list_videos
from ssdet_keras.recipes.dataset_readers import READERS

# Statuses of a recipe: 0 is fine, 1 means bad videos.
_USAGE_ERROR = 2

_DATASET = flags.DEFINE_enum(
    "dataset",
    "kinetics",
    list(READERS),
    "Format of the annotations. videos is a folder of one subfolder per class, "
    "or a CSV file of the columns video, label, start and end.",
)
_ANNOTATIONS = flags.DEFINE_multi_string(
    "annotations",
    [],
    "Annotations. Several, by repeating the flag: those of training first.",
)
_VIDEO_ROOT = flags.DEFINE_string(
    "video_root",
    None,
    "Folder of the videos. A folder of --dataset=videos holds its own.",
)
_SPLIT = flags.DEFINE_multi_string(
    "split",
    [],
    "Split of the annotations. Several, by repeating the flag: that of "
    "training first. Default: all, as one.",
)
_CLASS_NAMES = flags.DEFINE_string("class_names", None, "List of the classes.")


def read_parts():
    """Returns a dict of names to `VideoRecords`, by annotations and split."""
    parts = {}
    for path in _ANNOTATIONS.value:
        for split in _SPLIT.value or [None]:
            name = os.path.basename(os.path.normpath(path))
            if split is not None:
                name += f" {split}"
            if name in parts:
                name = f"{path} {split or ''}".rstrip()
            parts[name] = _read(path, split)
    return parts


def list_paths():
    """Returns the paths of the videos, of annotations or below --video_root."""
    if _VIDEO_ROOT.value is None:
        raise usage_error("--video_root must be set.")
    parts = read_parts()
    if parts:
        return [record.path for part in parts.values() for record in part]
    try:
        paths = list_videos(_VIDEO_ROOT.value)
    except OSError as error:
        raise usage_error(f"--video_root: {error}") from error
    if not paths:
        raise usage_error(
            f"There are no videos in --video_root={_VIDEO_ROOT.value}"
        )
    return paths


def _read(path, split):
    video_root = _VIDEO_ROOT.value
    if _DATASET.value == "videos" and os.path.isdir(path):
        video_root = None
    elif video_root is None and _DATASET.value != "videos":
        raise usage_error("--video_root must be set.")
    try:
        return READERS[_DATASET.value](
            path, video_root, split=split, class_names=_CLASS_NAMES.value
        )
    except (OSError, ValueError) as error:
        raise usage_error(error) from error


def usage_error(message):
    """Returns the error of a wrong call, which ends with status 2."""
    return app.UsageError(str(message), exitcode=_USAGE_ERROR)


def check_no_arguments(argv):
    """Raises an error where there are arguments that are no flags."""
    if len(argv) > 1:
        raise usage_error(f"Unexpected arguments: {argv[1:]}")


def parse_flags(argv):
    """Parses the flags. A mistake ends with status 2 here, not with 1."""
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        sys.stderr.write(f"{error}\nPass --help to see the flags.\n")
        sys.exit(_USAGE_ERROR)
