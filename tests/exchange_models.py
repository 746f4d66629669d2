"""Saves models, and loads those that other backends saved.

    KERAS_BACKEND=jax python exchange_models.py FOLDER

Writes `jax_classifier.keras`, `jax_detector.keras` and their logits on a clip,
says so with a line, and waits until its input ends. Then writes the logits of
every model in the folder: of `torch_detector.keras` on JAX they are
`torch_detector_on_jax.npy`.
"""

import pathlib
import sys

import keras
import numpy as np

from ssdet_keras import models


def make_clip():
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (2, 4, 32, 40, 3), "uint8")


def make_models(seed):
    """Returns a classifier and a detector in which every weight matters."""
    keras.utils.set_random_seed(seed)
    generator = np.random.default_rng(seed)
    backbone = models.X3DBackbone(
        "m", width=0.5, depth=0.2, zero_init_residual=False
    )
    pair = {
        "classifier": models.VideoClassifier(backbone, 5),
        "detector": models.FrameDetector(backbone, 5),
    }
    for model in pair.values():
        for weight in model.weights:
            if len(weight.shape) == 1:
                weight.assign(generator.uniform(0.5, 1.5, weight.shape))
    return pair


def main():
    """Saves, waits, loads."""
    folder = pathlib.Path(sys.argv[1])
    backend = keras.config.backend()
    seed = ["tensorflow", "torch", "jax"].index(backend)
    for name, model in make_models(seed).items():
        model.save(folder / f"{backend}_{name}.keras")
    sys.stdout.write("saved\n")
    sys.stdout.flush()
    sys.stdin.read()
    for path in sorted(folder.glob("*.keras")):
        model = keras.saving.load_model(path)
        logits = model.predict(make_clip(), verbose=0)
        np.save(folder / f"{path.stem}_on_{backend}.npy", logits)


if __name__ == "__main__":
    main()
