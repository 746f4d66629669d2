"""Reader of the MultiTHUMOS data set."""

import os

from ssdet_keras.data.annotation_files import check_not_empty
from ssdet_keras.data.annotation_files import normalise_split
from ssdet_keras.data.annotation_files import read_json_actions
from ssdet_keras.data.annotation_files import read_text
from ssdet_keras.data.annotation_files import split_lines
from ssdet_keras.data.cached_records import cached_records
from ssdet_keras.data.class_names import resolve_class_names
from ssdet_keras.data.repairs import Repairs
from ssdet_keras.data.repairs import clean_segments
from ssdet_keras.data.repairs import parse_positive
from ssdet_keras.data.repairs import parse_seconds
from ssdet_keras.data.video_index import VideoIndex
from ssdet_keras.data.video_record import VideoRecord
from ssdet_keras.data.video_records import VideoRecords

_NUM_CLASSES = 65


def read_multithumos(
    annotations, video_root=None, split=None, class_names=None, cache=None
):
    """Reads the annotations of the MultiTHUMOS data set.

    Two formats are read: `multithumos.json`, with classes from 1,

        {"video_test_0000004": {"subset": "testing", "duration": 33.7,
                                "actions": [[9, 0.2, 1.1]]}}

    and the original annotation folder, one text file per class, such as
    `BaseballPitch.txt`, of lines `video_test_0000324 1.90 3.40`. The folder
    does not tell the lengths of the videos, so segments are not clipped to
    them; its splits are those of THUMOS'14, which trains on the videos named
    `video_validation_...` and tests on `video_test_...`.

    Videos are `<id>.mp4` below `video_root`, or folders `<id>` of JPEG frames.
    A record whose video is missing is kept, with the expected path. All
    repairs are counted in `repairs`.

    Args:
        annotations: String or path. The JSON file or the annotation folder.
        video_root: String, path or `None`. The folder of the videos. Without
            one, as for the evaluation of predictions, nothing is looked for,
            and the path of a record is a name alone. Defaults to `None`.
        split: String or `None`. Reads this split alone, `"training"` (or
            `"train"`) or `"testing"` (or `"test"`).
        class_names: List of names in the order of the class indices, or the
            path of a file of lines `1 BaseballPitch`. Defaults to the numbers
            `"1"` to `"65"` for a JSON file, and to the sorted names of the
            files for a folder.
        cache: String, path or `None`. An `.npz` file to keep the records in,
            outside of the folders of the videos. They are taken from it while
            neither the annotations, the class list nor the folders of the
            videos have changed, and otherwise read and kept again. Defaults
            to `None`.

    Returns:
        `VideoRecords`. Its class indices start at 0.

    Raises:
        FileNotFoundError: If there are no annotations, no folder of the
            videos, or none of the videos.
        ValueError: If the annotations are not in one of the formats, hold no
            videos of the split, or have an unknown class.

    Example:

    ```python
    records = ssdet_keras.data.read_multithumos(
        "multithumos.json", "thumos14/videos", split="training"
    )
    ```
    """
    return cached_records(
        cache, _read, annotations, video_root, split, class_names
    )


def _read(annotations, video_root, split, class_names):
    path = os.fspath(annotations)
    repairs = Repairs()
    names = resolve_class_names(class_names)
    if os.path.isdir(path):
        videos, names = _read_folder(path, names, repairs)
    else:
        names = names or [str(i + 1) for i in range(_NUM_CLASSES)]
        videos = read_json_actions(
            path, read_text(path), len(names), first_class=1, repairs=repairs
        )
    if split is not None:
        wanted = normalise_split(split)
        videos = [video for video in videos if video[1] == wanted]
    check_not_empty(videos, path, split)

    index = VideoIndex(video_root)
    records = []
    for video_id, _, duration, actions in videos:
        if not os.path.isdir(path):
            duration = parse_positive(duration, "duration", repairs, video_id)
        records.append(
            VideoRecord(
                id=video_id,
                path=index.find(("",), (video_id,), repairs, video_id),
                duration=duration,
                segments=clean_segments(actions, duration, repairs, video_id),
            )
        )
    index.check_any_found()
    return (
        VideoRecords(records, names, repairs.counts, repairs.examples),
        index.fingerprints,
    )


def _read_folder(path, names, repairs):
    files = sorted(n for n in os.listdir(path) if n.lower().endswith(".txt"))
    if not files:
        raise ValueError(
            "The annotation folder must hold one text file per class. "
            f"Received: path={path}, which holds none."
        )
    stems = [os.path.splitext(name)[0] for name in files]
    names = names or stems
    actions = {}
    for stem, file in zip(stems, files, strict=True):
        file = os.path.join(path, file)
        if stem not in names:
            raise ValueError(
                f"Every file must be named after one of the {len(names)} "
                f"classes. Received: {stem!r} of {file}"
            )
        index = names.index(stem)
        for line, text in split_lines(read_text(file)):
            words = text.split()
            if len(words) == 3:
                video_id, *times = words
                action = (index, *map(parse_seconds, times))
                actions.setdefault(video_id, []).append(action)
            elif words:
                repairs.add("row_dropped_malformed", f"{file}, line {line}")
    videos = [
        (video_id, _split_of(video_id), None, actions[video_id])
        for video_id in sorted(actions)
    ]
    return videos, names


def _split_of(video_id):
    for part, split in (("_validation_", "train"), ("_test_", "test")):
        if part in video_id:
            return split
    return ""
