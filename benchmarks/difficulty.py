r"""What the generated videos of `reproduce.py` give away without learnt motion.

    KERAS_BACKEND=torch python benchmarks/difficulty.py \
        --reproduction=reproduction --seeds=3,4,5

Prints, of each seed, the mean average precision per frame of the test videos of

-   random scores;
-   an X3D of the size of `reproduce.py --scale=laptop`, trained on the training
    videos from scratch on clips of one frame, so that it sees no motion;
-   a linear model on optical flow, DIS as in `extract_flow.py`: of each cell of
    a grid of 4 x 4 the mean flow, its mean absolute value, its divergence and
    its curl, and of all these mean and deviation over one second.
"""

import itertools
import pathlib

import keras
import numpy as np
from absl import app
from absl import flags

from ssdet_keras import data
from ssdet_keras import evaluation
from ssdet_keras import models
from ssdet_keras import training

_REPRODUCTION = flags.DEFINE_string(
    "reproduction", "reproduction", "The --workdir of reproduce.py."
)
_SEEDS = flags.DEFINE_list("seeds", ["3", "4", "5"], "Seeds, with their data.")
_STRIDE = flags.DEFINE_integer("stride", 5, "Frames from row to row.", 1)
_EPOCHS = flags.DEFINE_integer("epochs", 10, "Passes over the frames.", 1)

_GRID = 4
# Frames per second.
_FPS = 25


def read_records(seed, split):
    root = pathlib.Path(_REPRODUCTION.value)
    folder = root / f"seed{seed}" / "data" / "charades"
    return data.read_charades(
        folder / f"Charades_v1_{split}.csv",
        folder / "Charades_v1_480",
        class_names=folder / "Charades_v1_classes.txt",
    )


def read_frames(record):
    """Returns all frames of a video, and the rows that are scored."""
    with data.VideoFile(record.path) as video:
        frames = video.read(range(video.num_frames))
    return frames, np.arange(0, len(frames), _STRIDE.value)


def pool(values):
    """Returns the mean of each cell of the grid, of `(height, width)`."""
    height, width = (size // _GRID * _GRID for size in values.shape)
    cells = values[:height, :width].reshape(
        _GRID, height // _GRID, _GRID, width // _GRID
    )
    return cells.mean((1, 3)).ravel()


def describe_flow(flow):
    """Returns the features of one flow, `(height, width, 2)`."""
    x, y = flow[..., 0], flow[..., 1]
    x_down, x_right = np.gradient(x)
    y_down, y_right = np.gradient(y)
    maps = (x, y, abs(x), abs(y), x_right + y_down, y_right - x_down)
    return np.concatenate([pool(values) for values in maps])


def compute_flow_features(frames, rows):
    features = np.stack([describe_flow(f) for f in data.compute_flow(frames)])
    starts = np.maximum(rows - _FPS // 2, 0)
    windows = [features[start : start + _FPS] for start in starts]
    return np.stack([np.r_[w.mean(0), w.std(0)] for w in windows])


def read_examples(records):
    """Returns lists of frames, features and labels, one item per video."""
    examples = []
    for record in records:
        frames, rows = read_frames(record)
        labels = data.labels_at(record, rows / _FPS, len(records.class_names))
        features = compute_flow_features(frames, rows)
        examples.append((frames[rows], features, labels))
    return zip(*examples, strict=True)


def make_single_frame_model(num_classes):
    backbone = models.X3DBackbone(
        width=0.35, depth=0.2, zero_init_residual=False
    )
    return models.FrameDetector(backbone, num_classes, dropout=0.2)


def make_linear_model(features, num_classes):
    normalization = keras.layers.Normalization()
    normalization.adapt(np.concatenate(features))
    return keras.Sequential([normalization, keras.layers.Dense(num_classes)])


def train(model, inputs, labels):
    steps = -(-len(inputs) // 64) * _EPOCHS.value
    schedule = keras.optimizers.schedules.CosineDecay(4e-3, steps)
    model.compile(keras.optimizers.AdamW(schedule), training.DetectionLoss())
    model.fit(inputs, labels, 64, _EPOCHS.value, verbose=0)


def measure(records, scores):
    """Returns the mean average precision per frame, in %."""
    predictions = evaluation.Predictions(
        {r.id: s for r, s in zip(records, scores, strict=True)},
        fps=_FPS,
        stride=_STRIDE.value,
    )
    return 100 * evaluation.charades(predictions, records)["per_frame"].mean


def measure_seed(seed):
    """Returns a dict of the mean average precisions."""
    keras.utils.set_random_seed(seed)
    records = {x: read_records(seed, x) for x in ("train", "test")}
    frames, features, labels = read_examples(records["train"])
    test_frames, test_features, test_labels = read_examples(records["test"])
    num_classes = labels[0].shape[-1]
    splits = list(itertools.accumulate(map(len, test_labels)))[:-1]

    rng = np.random.default_rng(seed)
    results = {
        "random scores": measure(
            records["test"], [rng.random(x.shape) for x in test_labels]
        )
    }
    for name, model, inputs, test_inputs in (
        (
            "single frames",
            make_single_frame_model(num_classes),
            np.concatenate(frames)[:, None],
            np.concatenate(test_frames)[:, None],
        ),
        (
            "optical flow, linear",
            make_linear_model(features, num_classes),
            np.concatenate(features)[:, None],
            np.concatenate(test_features)[:, None],
        ),
    ):
        train(model, inputs, np.concatenate(labels)[:, None])
        logits = model.predict(test_inputs, 64, verbose=0)[:, 0]
        results[name] = measure(records["test"], np.split(logits, splits))
    return results


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    for number, seed in enumerate(map(int, _SEEDS.value)):
        results = measure_seed(seed)
        if number == 0:
            print(f"| seed | {' | '.join(results)} |")
            print("|---" + "|---:" * len(results) + "|")
        values = " | ".join(f"{value:.1f}" for value in results.values())
        print(f"| {seed} | {values} |", flush=True)


if __name__ == "__main__":
    app.run(main)
