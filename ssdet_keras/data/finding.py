"""What the check of a data set finds."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something about one video of a data set.

    Args:
        kind: String. A key of `FINDING_KINDS`.
        part: String. Name of the annotations.
        id: String. The video in them.
        path: String. The video on disk.
        detail: String. What is so in this video.
    """

    kind: str
    part: str
    id: str
    path: str
    detail: str


@dataclasses.dataclass(frozen=True)
class FindingKind:
    """A kind of finding, explained.

    Args:
        is_problem: Boolean. Whether something should be done about it.
        meaning: String. A sentence about the videos.
        remedy: String. What to do.
    """

    is_problem: bool
    meaning: str
    remedy: str


FINDING_KINDS = {
    "missing": FindingKind(
        True,
        "The annotations name these videos, but no file is there.",
        "Get them, or train without them with --skip_list.",
    ),
    "corrupt": FindingKind(
        True,
        "A file is there, but it can't be read, or not to its end.",
        "Get it again, or train without it with --skip_list.",
    ),
    "leak": FindingKind(
        True,
        "The same video is in several annotations. If these are for training "
        "and for testing, the test result is too good.",
        "Take them out of training: add leak to --skip. Those in the last "
        "annotations are kept.",
    ),
    "duplicate": FindingKind(
        True,
        "The same video is there several times under other names, and counts "
        "as often.",
        "Keep one: add duplicate to --skip, which keeps the first.",
    ),
    "short": FindingKind(
        True,
        "The video is shorter than a clip. The rest of the clip is padding, "
        "which training masks.",
        "A few are fine. If there are many, lower --num_frames or "
        "--frame_stride, here and in training.",
    ),
    "odd_fps": FindingKind(
        True,
        "The frame rate is below 10 or above 120 frames per second, so that "
        "clips of these videos are in slow or fast motion.",
        "See whether the header is wrong. Encode the video again, or add "
        "odd_fps to --skip.",
    ),
    "fps_differs": FindingKind(
        True,
        "The annotations tell another frame rate than the file. Training "
        "believes the annotations.",
        "See which is right: the file may have been encoded again.",
    ),
    "duration_differs": FindingKind(
        True,
        "The annotations tell another length of the video than the file, by "
        "more than a second and five percent.",
        "See whether it is the same cut of the video: if not, its segments "
        "are at the wrong times.",
    ),
    "segment_outside": FindingKind(
        True,
        "A segment starts after the end of the file: no frame shows it.",
        "See whether the file was cut, or the annotations are of another cut.",
    ),
    "segment_cut": FindingKind(
        True,
        "A segment ends more than a second after the end of the file. What is "
        "left of it is used.",
        "Harmless, if the file was not cut off.",
    ),
    "rotated": FindingKind(
        False,
        "The file asks to be turned when it is shown.",
        "Nothing: the frames that are read are upright.",
    ),
    "no_segments": FindingKind(
        False,
        "Nothing is annotated in the video: all of it is background.",
        "Nothing, if that is so.",
    ),
    "unknown_length": FindingKind(
        False,
        "The file does not tell its number of frames, so that lengths were "
        "not checked.",
        "Check with --thorough.",
    ),
}
