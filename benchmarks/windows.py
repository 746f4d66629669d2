r"""How the scores of windows differ from those of one pass over a video.

    python benchmarks/windows.py --model=demo_output/torch_seed0/\
finetune_detection/model.keras demo_output/data/charades/Charades_v1_480/*.mp4

The videos are put one after another, so that scenes change, up to --num_frames
frames. Prints a table of windows and overlaps. As a share of the standard
deviation of the logits: the root mean square of the difference, and the largest
change of the difference from one frame to the next, which is what a seam is.
`--no_squeeze_excite` takes it out of the model.
"""

import pathlib

import keras
import numpy as np
from absl import app
from absl import flags

from ssdet_keras import data
from ssdet_keras import layers
from ssdet_keras import models
from ssdet_keras import training

_MODEL = flags.DEFINE_string("model", None, "A .keras file.", required=True)
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 1024, "All frames.", 2)
_WINDOWS = flags.DEFINE_list("windows", "32,64,128,256,512", "Frames.")
_NO_SQUEEZE_EXCITE = flags.DEFINE_bool(
    "no_squeeze_excite", False, "Take it out of the blocks."
)


def read_frames(paths, description):
    sampling = {
        name: description[name]
        for name in ("frame_stride", "frame_rate")
        if description.get(name) is not None
    }
    pieces, count = [], 0
    for path in paths:
        frames, _ = data.read_whole_video(
            data.VideoRecord(path, path),
            size=description["size"],
            crop_scale=description["crop_scale"],
            **sampling,
        )
        pieces.append(frames)
        count += len(frames)
        if count >= _NUM_FRAMES.value:
            break
    return np.concatenate(pieces)[: _NUM_FRAMES.value]


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype("float64")))


def main(argv):
    model = keras.saving.load_model(_MODEL.value, compile=False)
    if _NO_SQUEEZE_EXCITE.value:
        for layer in model.backbone.layers:
            if isinstance(layer, layers.X3DBlock):
                layer.squeeze_excite = None
    description = training.read_description(pathlib.Path(_MODEL.value))
    frames = read_frames(argv[1:], description)
    whole = model.predict_on_batch(frames[None])[0]
    deviation = whole.std()
    print(
        f"{len(frames)} frames, receptive field "
        f"{model.backbone.receptive_field}, standard deviation of the logits "
        f"{deviation:.2f}\n"
    )
    print("| window | overlap | rms | seam | mean of probability | largest |")
    print("|---:|---:|---:|---:|---:|---:|")
    for window in map(int, _WINDOWS.value):
        for share in (0, 1 / 16, 1 / 8, 1 / 4, 1 / 2):
            overlap = round(window * share)
            logits = models.predict_frames(model, frames, window, overlap)
            error = logits - whole
            seam = np.abs(np.diff(error, axis=0)).max()
            change = np.abs(sigmoid(logits) - sigmoid(whole))
            print(
                f"| {window} | {overlap} "
                f"| {np.sqrt((error**2).mean()) / deviation:.3f} "
                f"| {seam / deviation:.2f} | {change.mean():.4f} "
                f"| {change.max():.2f} |"
            )


if __name__ == "__main__":
    app.run(main)
