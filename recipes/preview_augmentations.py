r"""Draws what the volume augmentations make of your own videos.

    python recipes/preview_augmentations.py VIDEO_1.mp4 VIDEO_2.mp4

writes `augmentations.png`, in which each augmentation is a strip of frames over
their labels, as in Figure 3 of [Kahatapitiya et al., 2023](
https://arxiv.org/abs/2111.13675), and `augmentations.gif`, in which they play
side by side. `--output` names other files:

    python recipes/preview_augmentations.py --output=preview.mp4 \
        --names=jump,swim VIDEO_1.mp4 VIDEO_2.mp4

Clip 1 is the middle of the first video. Clip 2, its partner in the
augmentations that join two clips, is that of the second one; of more videos,
each of these augmentations takes the next one. Of a single video, the clips are
from its first and its second half.
"""

import pathlib

import keras
import numpy as np
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras import layers
from ssdet_keras import visualization

_OUTPUT = flags.DEFINE_multi_string(
    "output",
    ["augmentations.png", "augmentations.gif"],
    "File to write: .png, .gif or .mp4. May be repeated.",
)
_NAMES = flags.DEFINE_list(
    "names", None, "Activities of the videos. Default: the names of the files."
)
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 16, "Frames per clip.", 4, 64)
_FRAME_STRIDE = flags.DEFINE_integer(
    "frame_stride",
    5,
    "Video frames from one clip frame to the next. Less in short videos.",
    1,
)
_SIZE = flags.DEFINE_integer("size", 200, "Height and width, in pixels.", 16)

_ENDINGS = (".png", ".gif", ".mp4")
# Parameters that show each augmentation at its clearest, as shares of the clip.
_FREEZE = {"start": 1 / 4, "length": 3 / 8}
_FREEZE_END = {"start": 3 / 4, "length": 1 / 4}
_OVERLAP = {"length_1": 3 / 4, "shift": 1 / 4, "length_2": 3 / 4}
_INSIDE = {"length_1": 1, "shift": 1 / 4, "length_2": 1 / 2}
_WHOLE = {"length_1": 1, "shift": 0, "length_2": 1}


def read_clip(path, part=0, num_parts=1):
    """Reads a clip from the middle of a part of a video.

    Returns:
        A uint8 clip `(num_frames, size, size, 3)`, and its frames per second.
    """
    with data.VideoFile(path) as video:
        length = video.num_frames // num_parts
        stride = min(_FRAME_STRIDE.value, max(1, length // _NUM_FRAMES.value))
        margin = max(0, length - stride * _NUM_FRAMES.value)
        first = part * length + margin // 2
        side = min(video.height, video.width)
        top, left = (video.height - side) // 2, (video.width - side) // 2
        clip = video.read(
            first + stride * np.arange(_NUM_FRAMES.value),
            size=(_SIZE.value, _SIZE.value),
            box=(top, left, side, side),
            past_end="repeat",
        )
        return clip, video.fps / stride


def read_clips(paths, names):
    """Reads a clip of each video that can be read, and two of a single one.

    Returns:
        The clips, their names, the frames per second of the first one, and the
        errors of the others.
    """
    clips, errors = [], []
    for path, name in zip(paths, names, strict=True):
        try:
            clips.append((path, name, *read_clip(path)))
        except data.VideoReadError as error:
            errors.append(str(error))
            logging.error("Skipped a video: %s", error)
    if not clips:
        raise app.UsageError("\n".join(errors))
    if len(clips) == 1:
        path, name, *_ = clips[0]
        logging.info("Two clips are joined: both are from %s", path)
        clips = [
            (path, name, *read_clip(path, part=0, num_parts=2)),
            (path, f"{name}, later", *read_clip(path, part=1, num_parts=2)),
        ]
    _, names, videos, rates = zip(*clips, strict=True)
    return videos, names, rates[0], errors


def make_parameters(shares, mode=0):
    """Returns the parameters of two clips that are each other's partner."""
    transformation = {
        key: np.full(2, round(share * _NUM_FRAMES.value), "int32")
        for key, share in shares.items()
    }
    if "shift" in shares:
        transformation["partner"] = np.array([1, 0], "int32")
        transformation["mode"] = np.full(2, mode, "int32")
        transformation["width"] = np.full(2, _SIZE.value, "int32")
    return transformation


def make_augmentations():
    """Returns tuples of a title, a layer and its parameters."""
    freeze, mix_up = layers.VolumeFreeze(), layers.VolumeMixUp()
    window, view = layers.VolumeCutMix(), layers.VolumeCutMix("view")
    both = layers.JointVolumeAugmentation([window, freeze], "independent")
    frozen = make_parameters(_FREEZE)
    start, length = frozen["start"][0], frozen["length"][0]
    overlap, inside = make_parameters(_OVERLAP), make_parameters(_INSIDE)
    in_turn = {
        "choice": np.zeros(2, "int32"),
        "layers": [overlap, make_parameters(_FREEZE_END)],
    }
    return [
        (
            f"Volume Freeze: frame {start} stays for {length} frames, which "
            "become background",
            freeze,
            frozen,
        ),
        ("Volume MixUp: clip 1 fades into clip 2", mix_up, overlap),
        ("Volume MixUp: clip 1 fades into clip 2 and back", mix_up, inside),
        (
            "Volume CutMix, window: clip 2 takes over the frame from the right",
            window,
            overlap,
        ),
        (
            "Volume CutMix, view: half of each clip, moving sideways",
            view,
            make_parameters(_WHOLE, mode=1),
        ),
        ("Joint: Volume CutMix, then Volume Freeze", both, in_turn),
    ]


def make_rows(videos, names):
    """Returns the rows of the figure: two clips, and clip 1 augmented."""
    classes = list(dict.fromkeys(names))
    frame_labels = layers.FrameLabels(len(classes), _NUM_FRAMES.value)
    labels = frame_labels(np.array([classes.index(name) for name in names]))
    labels = keras.ops.convert_to_numpy(labels)
    titles = ("Clip 1: every frame has the label of its video", "Clip 2")
    rows = [
        make_row(title, classes, videos[i], labels[i])
        for i, title in enumerate(titles)
    ]
    partner = 0
    for title, layer, parameters in make_augmentations():
        if not isinstance(layer, layers.VolumeFreeze):
            partner = partner % (len(videos) - 1) + 1
        pair = [0, partner]
        clips = layer.transform_videos(
            np.stack([videos[i] for i in pair]), parameters
        )
        clip_labels = layer.transform_labels(labels[pair], parameters)
        rows.append(make_row(title, classes, clips[0], clip_labels[0]))
    return rows


def make_row(title, classes, clip, labels):
    clip = keras.ops.convert_to_numpy(clip)
    labels = keras.ops.convert_to_numpy(labels)
    shown = {
        name: label
        for name, label in zip(classes, labels.T, strict=True)
        if label.any()
    }
    background = 1 - labels.sum(axis=-1)
    if background.max() > 0.5:
        shown["background"] = background
    return title, clip, shown


def get_names(paths):
    """Returns the names of the files, with their folders if these differ."""
    paths = [pathlib.Path(path).absolute() for path in paths]
    names = [path.stem for path in paths]
    if len(set(names)) < len(names):
        names = [f"{path.parent.name}/{path.stem}" for path in paths]
    return names


def write(path, rows, frames_per_second):
    try:
        if path.lower().endswith(".png"):
            visualization.draw_augmentations(path, rows)
        else:
            visualization.animate_augmentations(path, rows, frames_per_second)
    except OSError as error:
        raise app.UsageError(f"--output can't be written: {error}") from error
    logging.info("Wrote %s", path)


def main(argv):
    if len(argv) < 2:
        raise app.UsageError("Name one or two videos, or more.")
    paths = argv[1:]
    names = _NAMES.value or get_names(paths)
    if len(names) != len(paths):
        raise app.UsageError(
            f"--names must be as many as the videos, {len(paths)}. "
            f"Received: --names={','.join(names)}"
        )
    for output in _OUTPUT.value:
        if not output.lower().endswith(_ENDINGS):
            raise app.UsageError(
                f"--output must end in {', '.join(_ENDINGS[:-1])} or "
                f"{_ENDINGS[-1]}. Received: --output={output}"
            )
    videos, names, frames_per_second, errors = read_clips(paths, names)
    rows = make_rows(videos, names)
    for output in _OUTPUT.value:
        write(output, rows, frames_per_second)
    if errors:
        raise SystemExit(f"{len(errors)} of {len(paths)} videos failed.")


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
