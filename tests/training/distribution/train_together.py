"""Trains a small model, as one of several processes or alone.

    python train_together.py WORKDIR BATCH_SIZE FAULT

BATCH_SIZE is that of each device, and FAULT is `none`, or what happens to the
process of rank 1 after three steps: `kill` or `terminate`.
"""

import os
import pathlib
import signal
import sys

if __name__ == "__main__":
    # Importing the other backends would take longer than training.
    for name in {"tensorflow", "torch"} - {os.environ["KERAS_BACKEND"]}:
        sys.modules[name] = None

import keras
import numpy as np

from ssdet_keras import data
from ssdet_keras import layers
from ssdet_keras import training
from ssdet_keras.data.video_source import VideoSource

NUM_CLIPS = 16
EPOCHS = 2
STEPS = 3
SIGNALS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM}


class Clips(VideoSource):
    """Noise, whose brightness is the label."""

    def __init__(self):
        records = [
            data.VideoRecord(str(i), f"{i}.mp4", (), 1.0)
            for i in range(NUM_CLIPS)
        ]
        super().__init__(records, True, 3, 2, "raise")

    def _draw(self, video_index, clip, rng):
        labels = rng.integers(0, 2, (4, 2)).astype("float32")
        noise = rng.normal(size=(4, 8, 8, 3)) + labels[:, :1, None, None]
        return {"videos": noise.astype("float32"), "labels": labels}


class FaultAfter(keras.callbacks.Callback):
    """Writes the loss of every step, and sends this process a signal."""

    def __init__(self, path, number):
        super().__init__()
        self._path = path
        self._number = number

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.optimizer.iterations.numpy())
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(f"{step} {float(logs['loss'])}\n")
        if step == 3 and self._number is not None:
            os.kill(os.getpid(), self._number)


def make_model():
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((4, 8, 8, 3)),
            layers.PointwiseConv3D(8),
            layers.FusedBatchNormalization(activation="relu"),
            layers.DepthwiseConv3D(3),
            keras.layers.AveragePooling3D((1, 8, 8)),
            keras.layers.Reshape((4, 8)),
            keras.layers.Dense(2),
        ]
    )
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        training.DetectionLoss(),
        metrics=[keras.metrics.AUC(from_logits=True)],
        # TensorFlow's takes longer than these steps.
        jit_compile=keras.config.backend() == "jax",
    )
    return model


def train(path, batch_size, fault="none", distribution=None):
    """Trains, from the last checkpoint on if there is one."""
    path = pathlib.Path(path)
    distribution = distribution or training.Distribution()
    workdir = training.WorkDir(path, resume=(path / "checkpoints").exists())
    with distribution.scope():
        model = make_model()
        if workdir.checkpoint is not None:
            model = keras.saving.load_model(workdir.checkpoint.path)
        training.synchronize_normalization(model)
    number = SIGNALS.get(fault) if distribution.rank == 1 else None
    training.train(
        model,
        Clips(),
        workdir,
        batch_size * distribution.num_replicas,
        EPOCHS,
        STEPS,
        checkpoint_steps=1,
        callbacks=[FaultAfter(path / f"steps_{distribution.rank}.txt", number)],
        distribution=distribution,
        transform=lambda batch: (batch["videos"], batch["labels"]),
    )


def read_steps(path, rank=0):
    """Returns an array of `(step, loss)`, of the last time each."""
    rows = np.loadtxt(path / f"steps_{rank}.txt", ndmin=2)
    return np.array([*{row[0]: row for row in rows}.values()])


def main():
    path, batch_size, fault = sys.argv[1:]
    try:
        distribution = training.make_distribution(timeout=30)
        train(path, int(batch_size), fault, distribution)
    except training.TrainingStopped as error:
        print(error)  # noqa: T201
        sys.exit(error.exit_status)
    distribution.close()


if __name__ == "__main__":
    main()
