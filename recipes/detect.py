r"""Detects activities in videos: scores, segments, subtitles, pictures.

    python recipes/detect.py --model=runs/joint_charades/model.keras \
        --output_dir=/tmp/detections VIDEO.mp4 FOLDER ...

For each video, and each one below each folder, this writes what --formats
names, by default all:

-   NAME.npz: the scores of every frame and class;
-   NAME.csv, NAME.json: segments in which a class is active;
-   NAME.vtt, NAME.srt: the segments as subtitles, for any player;
-   NAME.html: a page that plays the video over a timeline of its activities;
-   NAME.png: a few frames over the scores of the classes with the highest ones;
-   NAME.annotated.mp4: the video, without its sound, over the highest scores.

Videos of the same name get different ones: NAME, NAME_2 and so on. A video that
can't be read is named, and the others are done; the exit status is then 1.
"""

import itertools
import pathlib

import numpy as np
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras import evaluation
from ssdet_keras import visualization
from ssdet_keras.data.list_videos import list_videos
from ssdet_keras.recipes import inference
from ssdet_keras.version import get_commit

flags.adopt_module_key_flags(inference)  # For --help.

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the results.", required=True
)
_FORMATS = flags.DEFINE_list(
    "formats",
    "npz,csv,json,vtt,srt,png,html,mp4",
    "Files to write. The last ones take longest.",
)
_THRESHOLD = flags.DEFINE_float(
    "threshold", 0.5, "Score at which a class counts as active.", 0, 1
)
_LOW_THRESHOLD = flags.DEFINE_float(
    "low_threshold",
    None,
    "Score down to which an active class stays active. Default: --threshold.",
    0,
    1,
)
_THRESHOLDS = flags.DEFINE_list(
    "thresholds",
    None,
    "In place of --threshold: segments of each of these, of which those are "
    "kept that overlap none of a higher mean score by more than --tiou.",
)
_TIOU = flags.DEFINE_float(
    "tiou", 0.5, "Shared time of two segments over the time of both.", 0, 1
)
_MIN_DURATION = flags.DEFINE_float(
    "min_duration", 0.5, "Shortest segment, in seconds.", 0
)
_MAX_GAP = flags.DEFINE_float(
    "max_gap", 0, "Longest gap in a segment that is closed, in seconds.", 0
)
_CLASS_NAMES = flags.DEFINE_string(
    "class_names",
    None,
    "File of a class name per line. Default: those of the training.",
)
_CHARADES = flags.DEFINE_string(
    "charades_annotations",
    None,
    "Charades annotations of the videos, to draw them beside the scores.",
)
_MULTITHUMOS = flags.DEFINE_string(
    "multithumos_annotations", None, "Or those of MultiTHUMOS."
)
_ANNOTATED = ".annotated.mp4"
_NUM_PICTURES = 8
_FRAMES_AT_ONCE = 16


def find_videos(arguments):
    """Returns a dict of path to a name of its results that no other has."""
    paths = []
    for argument in map(pathlib.Path, arguments):
        # A folder without videos may be one, of pictures.
        inside = list_videos(argument) if argument.is_dir() else []
        paths += map(pathlib.Path, inside or [argument])
    videos, taken = {}, set()
    for path in paths:
        path = path.resolve()
        # An earlier call may have written into the same folder.
        if path in videos or path.name.endswith(_ANNOTATED):
            continue
        stem = path.name if path.is_dir() else path.stem
        name, count = stem, 1
        # Some file systems don't tell small letters from capitals.
        while name.casefold() in taken:
            count += 1
            name = f"{stem}_{count}"
        taken.add(name.casefold())
        videos[path] = name
    return videos


def read_class_names(num_classes):
    try:
        names = data.read_class_names(_CLASS_NAMES.value)
    except (OSError, ValueError) as error:
        raise app.UsageError(f"--class_names: {error}") from error
    if len(names) != num_classes:
        raise app.UsageError(
            f"--class_names must name the {num_classes} classes of --model. "
            f"Received: {len(names)} names in {_CLASS_NAMES.value}"
        )
    return names


def read_truth(paths, class_names):
    """Returns a dict of path to the annotated record of a video."""
    records = {}
    for flag, read in (
        (_CHARADES, data.read_charades),
        (_MULTITHUMOS, data.read_multithumos),
    ):
        if flag.value is None:
            continue
        if not pathlib.Path(flag.value).exists():
            raise app.UsageError(
                f"--{flag.name} must exist. Received: {flag.value}"
            )
        for folder in {path.parent for path in paths}:
            try:
                annotated = read(flag.value, folder, class_names=class_names)
            except FileNotFoundError:
                # None of its videos is annotated.
                continue
            except (OSError, ValueError) as error:
                raise app.UsageError(f"--{flag.name}: {error}") from error
            records |= {
                pathlib.Path(record.path).resolve(): record
                for record in annotated
            }
    return records


def write_timeline(path, video, detections, record):
    steps = np.linspace(0, video.num_frames - 1, _NUM_PICTURES)
    # Each one once, of a video of few frames.
    steps = np.unique(steps.astype(int))
    scores = detections.scores
    truth = None
    if record is not None:
        times = np.arange(len(scores)) / detections.fps
        truth = data.labels_at(record, times, scores.shape[1])
    visualization.draw_timeline(
        path,
        frames=video.read(steps),
        frame_times=steps / detections.fps,
        scores=scores,
        truth=truth,
        duration=detections.duration,
        class_names=detections.class_names,
    )


def write(output, name, video, detections, segments, record):
    """Writes one file: `output` without its ending, and the format's name."""
    names = detections.class_names
    path = output.with_name(f"{output.name}.{name}")
    if name == "npz":
        evaluation.save_predictions(
            path,
            {output.name: detections.scores},
            class_names=list(names),
            fps=detections.fps,
            model=flags.FLAGS.model,
            commit=get_commit(),
        )
    elif name == "csv":
        evaluation.write_segments_csv(path, {output.name: segments}, names)
    elif name == "json":
        evaluation.write_detections_json(path, {output.name: segments}, names)
    elif name in ("vtt", "srt"):
        evaluation.write_subtitles(path, segments, names)
    elif name == "png":
        write_timeline(path, video, detections, record)
    elif name == "html":
        visualization.write_detection_page(
            path,
            data.read_playable_video(video),
            detections.scores,
            detections.fps,
            names,
            segments,
            truth=None if record is None else record.segments,
        )
    elif name == "mp4":
        frames = visualization.annotate_frames(
            itertools.chain.from_iterable(video.read_blocks(_FRAMES_AT_ONCE)),
            detections.scores,
            detections.fps,
            names,
            threshold=_THRESHOLD.value,
        )
        path = output.with_name(output.name + _ANNOTATED)
        data.write_video(path, frames, detections.fps)


def find_segments(detections):
    """Returns the segments by the flags, without lesser ones that overlap."""
    thresholds = read_thresholds()
    segments = detections.segments(
        threshold=_THRESHOLD.value,
        low_threshold=_LOW_THRESHOLD.value,
        thresholds=thresholds,
        min_duration=_MIN_DURATION.value,
        max_gap=_MAX_GAP.value,
    )
    if thresholds is None:
        return segments
    return evaluation.suppress_segments(segments, _TIOU.value)


def detect(detector, path, output, record):
    """Writes the results of one video."""
    with data.VideoFile(path) as video:
        logging.info("%s: %.1f s, %s", path, video.duration, output)
        detections = detector.detect(video)
        segments = find_segments(detections)
        logging.info(
            "%s: %d segments, highest score %.2f",
            path,
            len(segments),
            detections.scores.max(),
        )
        if record is not None:
            logging.info("%s is annotated", path)
        for name in _FORMATS.value:
            write(output, name, video, detections, segments, record)


def read_thresholds():
    """Returns the numbers of --thresholds, or `None`."""
    if _THRESHOLDS.value is None:
        return None
    try:
        thresholds = [float(text) for text in _THRESHOLDS.value]
    except ValueError:
        thresholds = []
    if not thresholds or not all(0 <= x <= 1 for x in thresholds):
        raise app.UsageError(
            "--thresholds must be numbers in [0, 1]. Received: "
            f"--thresholds={','.join(_THRESHOLDS.value)}"
        )
    if _LOW_THRESHOLD.value is not None:
        raise app.UsageError("Set one of --low_threshold and --thresholds.")
    return thresholds


def check_flags():
    read_thresholds()
    unknown = set(_FORMATS.value) - set(_FORMATS.default)
    if unknown or not _FORMATS.value:
        raise app.UsageError(
            f"--formats must be some of {','.join(_FORMATS.default)}. "
            f"Received: --formats={','.join(_FORMATS.value)}"
        )
    low = _LOW_THRESHOLD.value
    if low is not None and low > _THRESHOLD.value:
        raise app.UsageError(
            "--low_threshold must not exceed --threshold. Received: "
            f"--low_threshold={low}, --threshold={_THRESHOLD.value}"
        )


def main(argv):
    if len(argv) < 2:
        raise app.UsageError("Name at least one video or folder.")
    check_flags()
    detector = inference.Detector()
    if _CLASS_NAMES.value is not None:
        detector.class_names = read_class_names(len(detector.class_names))
    videos = find_videos(argv[1:])
    records = read_truth(videos, detector.class_names)
    output_dir = pathlib.Path(_OUTPUT_DIR.value)
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise app.UsageError(f"--output_dir can't be made: {error}") from error
    failures = []
    for path, name in videos.items():
        try:
            detect(detector, path, output_dir / name, records.get(path))
        except data.VideoReadError as error:
            failures.append(error)
            logging.error("Skipped a video: %s", error)
    if failures:
        for error in failures:
            logging.error("%s", error)
        raise SystemExit(f"{len(failures)} of {len(videos)} videos failed.")


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
