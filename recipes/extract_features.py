r"""Extracts the features of videos, to train on them in place of the videos.

Temporal heads learn from the features of each step, and the second stream of a
two-stream detector from the feature maps of the first one, which need not be
computed anew in every epoch.

    python recipes/extract_features.py --model=runs/fast_charades/model.keras \
        --dataset=charades --video_root=charades/Charades_v1_480 \
        --annotations=charades/Charades_v1_train.csv \
        --annotations=charades/Charades_v1_test.csv \
        --outputs=pyramid --output_dir=charades/fast_features

--model is a FrameDetector, a VideoClassifier, a backbone, or a two-stream
detector, of which it is the fast stream. Without --annotations, the videos are
all below --video_root, and their names without a suffix are their ids. Each has
a file OUTPUT_DIR/ID.safetensors. docs/features.md tells what is in it, and how
much space it takes.

Several processes, on one machine or many, share the work:

    CUDA_VISIBLE_DEVICES=0 python recipes/extract_features.py --shard=1/2 ... &
    CUDA_VISIBLE_DEVICES=1 python recipes/extract_features.py --shard=2/2 ... &

Stop it at any time: the same command goes on where it was. Videos that can't be
read are left out and listed in OUTPUT_DIR/failures.txt. The exit status is 0 if
all is well, 1 if there are any, and 2 if the flags are wrong.
"""

import hashlib
import json
import math
import os
import pathlib
import sys

import keras
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.data.feature_folder import describe_difference
from ssdet_keras.data.feature_format import find_path
from ssdet_keras.data.list_videos import list_videos
from ssdet_keras.data.progress import Progress
from ssdet_keras.data.video_features import read_features
from ssdet_keras.models.predict_frames import find_margin
from ssdet_keras.models.stream_features import temporal_stride
from ssdet_keras.models.video_classifier import check_backbone
from ssdet_keras.recipes import dataset_flags
from ssdet_keras.recipes import failure_list
from ssdet_keras.recipes import inference
from ssdet_keras.recipes import shard_flags
from ssdet_keras.recipes import trained_detector
from ssdet_keras.recipes.keras_file import compute_sha256
from ssdet_keras.recipes.keras_file import load_keras_file

# For --help.
flags.adopt_module_key_flags(dataset_flags)
flags.adopt_module_key_flags(inference)
flags.adopt_module_key_flags(shard_flags)

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the features.", required=True
)
_OUTPUTS = flags.DEFINE_enum(
    "outputs",
    "features",
    ["features", "pyramid"],
    "features: of each step, the mean over space, for temporal heads. pyramid: "
    "the maps of all stages, 7 x 7, too, for a second stream.",
)
_DTYPE = flags.DEFINE_enum(
    "dtype", "float16", ["float16", "float32"], "What is written."
)
_SKIP_LIST = flags.DEFINE_string(
    "skip_list",
    None,
    "List of videos to leave out, one path per line, as check_dataset.py "
    "writes it.",
)


class Extractor:
    """The model of --model, to write features of videos with.

    Attributes:
        origin: Dict of what the features are made with.
    """

    def __init__(self):
        training.keep_freed_memory()
        path = pathlib.Path(flags.FLAGS.model or "")
        model = load_keras_file("model", flags.FLAGS.model)
        frames = trained_detector.read_frames(
            path, training.read_description(path)
        )
        backbone = find_backbone(model)
        self._model = make_feature_model(backbone)
        self._stride = temporal_stride(self._model, frames["size"])
        window = flags.FLAGS.window
        overlap = flags.FLAGS.overlap
        if overlap is None:
            overlap = window // 4
        if window % self._stride or overlap % self._stride or overlap >= window:
            raise app.UsageError(
                "--overlap must be less than --window, and both multiples of "
                f"the temporal stride of the model, {self._stride}. Received: "
                f"--overlap={overlap}, --window={window}"
            )
        self._windows = {"window": window, "overlap": overlap, **frames}
        self._margin = find_margin(backbone, overlap // self._stride)
        self.origin = {
            **describe_model(path, model, backbone),
            **self._windows,
            "outputs": _OUTPUTS.value,
            "dtype": _DTYPE.value,
        }

    def write(self, record):
        """Writes the features of a video.

        Raises:
            VideoReadError: If the video can't be read.
        """
        windows = data.VideoWindows(
            record, multiple=self._stride, **self._windows
        )
        frame_stride = self._windows.get("frame_stride")
        if frame_stride is None:
            frame_stride = windows.fps / self._windows["frame_rate"]
        data.write_features(
            _OUTPUT_DIR.value,
            record.id,
            models.stream_features(
                self._model, windows, self._margin, self._stride
            ),
            num_steps=math.ceil(len(windows.frame_indices) / self._stride),
            fps=windows.fps,
            stride=self._stride * frame_stride,
            # A step is at the middle of the frames that it covers.
            offset=(self._stride - 1) / 2 * frame_stride,
            num_frames=windows.num_frames,
            origin=self.origin,
            dtype=_DTYPE.value,
        )


def find_backbone(model):
    """Returns the backbone of a model, of two streams that of the fast one."""
    for name in ("fast", "backbone"):
        if hasattr(model, name):
            return getattr(model, name)
    return model


def make_feature_model(backbone):
    """Returns a model from videos to a dict of the outputs of the flags."""
    try:
        check_backbone(backbone)
        if _OUTPUTS.value == "pyramid":
            return models.feature_pyramid(backbone)
    except ValueError as error:
        raise app.UsageError(f"--model={flags.FLAGS.model}: {error}") from error
    features = keras.ops.mean(backbone.output, axis=(2, 3))
    return keras.Model(backbone.input, {"features": features})


def describe_model(path, model, backbone):
    """Returns a dict of which model it is, to tell it from others."""
    name = type(model).__name__
    if backbone is not model:
        name += f" of {type(backbone).__name__}"
    config = json.dumps(backbone.get_config(), sort_keys=True, default=str)
    return {
        "model": name,
        "config_sha256": hashlib.sha256(config.encode()).hexdigest()[:16],
        "checkpoint_sha256": compute_sha256(path),
    }


def read_records():
    """Returns a dict of id to the record of every video."""
    parts = dataset_flags.read_parts()
    videos = {}
    for records in parts.values() if parts else [read_plain_videos()]:
        for record in leave_out_videos(records):
            other = videos.setdefault(record.id, record)
            if other.path != record.path:
                raise app.UsageError(
                    f"Two videos have the id {record.id!r}: {other.path} and "
                    f"{record.path}"
                )
    return videos


def leave_out_videos(records):
    """Returns the records that are not on --skip_list."""
    if _SKIP_LIST.value is None:
        return records
    try:
        paths = data.read_skip_list(_SKIP_LIST.value)
    except (OSError, ValueError) as error:
        raise app.UsageError(f"--skip_list: {error}") from error
    root = flags.FLAGS.video_root or ""
    return data.skip_videos(records, paths, root)[0]


def read_plain_videos():
    """Returns the records of all videos below --video_root."""
    root = flags.FLAGS.video_root
    if root is None:
        raise app.UsageError("--annotations or --video_root must be set.")
    try:
        paths = list_videos(root)
    except OSError as error:
        raise app.UsageError(f"--video_root: {error}") from error
    if not paths:
        raise app.UsageError(f"There are no videos in --video_root={root}")
    records = []
    for path in paths:
        name = pathlib.PurePath(os.path.relpath(path, root)).as_posix()
        if not os.path.isdir(path):
            name = os.path.splitext(name)[0]
        records.append(data.VideoRecord(id=name, path=path))
    return data.VideoRecords(records, class_names=[])


def is_done(record, origin):
    """Returns whether there are features of a video, which must be the same.

    Raises:
        app.UsageError: If they are those of another model.
    """
    try:
        path = find_path(_OUTPUT_DIR.value, record.id)
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    try:
        features = read_features(path)
    except FileNotFoundError:
        return False
    except ValueError as error:
        logging.warning("To be written again: %s", error)
        return False
    # As it was written: tuples are lists, and so on.
    origin = json.loads(json.dumps(origin))
    if features.origin != origin:
        raise app.UsageError(
            f"--output_dir has features of another origin: {path}. These and "
            "those of the flags differ in "
            + describe_difference(features.origin, origin)
        )
    return True


def extract():
    """Writes what is missing. Returns the exit status."""
    number, count = shard_flags.read_shard()
    records = read_records()
    extractor = Extractor()
    os.makedirs(_OUTPUT_DIR.value, exist_ok=True)
    missing = {
        video_id
        for video_id, record in records.items()
        if not is_done(record, extractor.origin)
    }
    shard = list(records.values())[number - 1 :: count]
    pending = [record for record in shard if record.id in missing]
    failures = {}
    progress = Progress(len(pending), "done")
    for record in pending:
        try:
            extractor.write(record)
        except data.VideoReadError as error:
            failures[record.path] = error.reason
            logging.error("Skipped a video: %s", error)
        except ValueError as error:
            raise app.UsageError(f"{record.path}: {error}") from error
        progress.add(is_bad=record.path in failures)
    progress.close()
    path = failure_list.write_failures(
        _OUTPUT_DIR.value, failures, (number, count)
    )
    sys.stdout.write(
        f"{len(pending) - len(failures)} videos written, "
        f"{len(shard) - len(pending)} were there, {len(failures)} failed.\n"
    )
    if failures:
        logging.error("All failures are in %s", path)
    return 1 if failures else 0


def main(argv):
    dataset_flags.check_no_arguments(argv)
    try:
        return extract()
    except (OSError, app.UsageError) as error:
        raise dataset_flags.usage_error(error) from error


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main, flags_parser=dataset_flags.parse_flags)
