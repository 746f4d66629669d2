r"""Draws what the volume augmentations make of your own videos.

    python recipes/preview_augmentations.py --output=augmentations.png \
        VIDEO_1.mp4 VIDEO_2.mp4

Each row is a clip of the first video after one augmentation, over the labels of
its frames, as in Figure 3 of [Kahatapitiya et al., 2023](
https://arxiv.org/abs/2111.13675). The second video is its partner in the
augmentations that join two clips; with one video, its second half is.
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

_OUTPUT = flags.DEFINE_string("output", "augmentations.png", "PNG to write.")
_NAMES = flags.DEFINE_list(
    "names", None, "Activities of the videos. Default: the names of the files."
)
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 12, "Frames per clip.", 4, 64)
_FRAME_STRIDE = flags.DEFINE_integer(
    "frame_stride", 5, "Video frames from one clip frame to the next.", 1
)
_SIZE = flags.DEFINE_integer("size", 160, "Height and width, in pixels.", 16)

# Parameters that show each augmentation at its clearest, as shares of the clip.
_FREEZE = {"start": 1 / 4, "length": 5 / 12}
_OVERLAP = {"length_1": 3 / 4, "shift": 1 / 4, "length_2": 3 / 4}
_INSIDE = {"length_1": 1, "shift": 1 / 4, "length_2": 1 / 2}
_WHOLE = {"length_1": 1, "shift": 0, "length_2": 1}


def read_clip(path, second_half=False):
    """Returns a uint8 clip `(num_frames, size, size, 3)` of a video."""
    with data.VideoFile(path) as video:
        first = video.num_frames // 2 if second_half else 0
        indices = first + _FRAME_STRIDE.value * np.arange(_NUM_FRAMES.value)
        side = min(video.height, video.width)
        top, left = (video.height - side) // 2, (video.width - side) // 2
        return video.read(
            indices,
            size=(_SIZE.value, _SIZE.value),
            box=(top, left, side, side),
            past_end="repeat",
        )


def augment(layer, videos, labels, shares, mode=0):
    """Applies a layer to both clips with the given parameters."""
    num_frames = videos.shape[1]
    transformation = {
        key: np.full(2, round(share * num_frames), "int32")
        for key, share in shares.items()
    }
    transformation["partner"] = np.array([1, 0], "int32")
    transformation["mode"] = np.full(2, mode, "int32")
    transformation["width"] = np.full(2, videos.shape[3], "int32")
    return (
        keras.ops.convert_to_numpy(
            layer.transform_videos(videos, transformation)
        ),
        keras.ops.convert_to_numpy(
            layer.transform_labels(labels, transformation)
        ),
    )


def make_rows(videos, names):
    """Returns the rows of the figure, of the first of two clips."""
    labels = np.eye(2, dtype="float32")[:, None]
    labels = np.repeat(labels, videos.shape[1], axis=1)
    freeze, mix_up = layers.VolumeFreeze(), layers.VolumeMixUp()
    window, view = layers.VolumeCutMix(), layers.VolumeCutMix("view")
    augmented = {
        "Frame pseudo labels": (videos, labels),
        "Volume Freeze": augment(freeze, videos, labels, _FREEZE),
        "Volume MixUp, clip 1 to 2": augment(mix_up, videos, labels, _OVERLAP),
        "Volume MixUp, clip 1 to 2 to 1": augment(
            mix_up, videos, labels, _INSIDE
        ),
        "Volume CutMix, transient window": augment(
            window, videos, labels, _OVERLAP
        ),
        "Volume CutMix, transient view": augment(
            view, videos, labels, _WHOLE, mode=1
        ),
    }
    rows = []
    for title, (clips, frame_labels) in augmented.items():
        curves = {names[0]: frame_labels[0, :, 0]}
        if frame_labels[0, :, 1].any():
            curves[names[1]] = frame_labels[0, :, 1]
        if "Freeze" in title:
            curves["background"] = 1 - frame_labels[0].sum(-1)
        rows.append((title, clips[0], curves))
    return rows


def main(argv):
    if not 2 <= len(argv) <= 3:
        raise app.UsageError("Name one or two videos.")
    paths = argv[1:]
    names = _NAMES.value or [pathlib.Path(path).stem for path in paths]
    if len(names) != len(paths):
        raise app.UsageError(
            f"--names must be as many as the videos, {len(paths)}. "
            f"Received: --names={','.join(names)}"
        )
    try:
        clips = [read_clip(path) for path in paths]
        if len(paths) == 1:
            clips.append(read_clip(paths[0], second_half=True))
            names = [names[0], f"{names[0]}, later"]
    except data.VideoReadError as error:
        raise app.UsageError(str(error)) from error
    try:
        visualization.draw_augmentations(
            _OUTPUT.value, make_rows(np.stack(clips), names)
        )
    except OSError as error:
        raise app.UsageError(f"--output can't be written: {error}") from error
    logging.info("Wrote %s", _OUTPUT.value)


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
