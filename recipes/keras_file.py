"""Models that flags of recipes name."""

import hashlib
import pathlib

import keras
from absl import app


def load_keras_file(flag, value):
    """Returns the model of a `.keras` file.

    Args:
        flag: String. Name of the flag, for errors.
        value: String, the path, or `None`.

    Raises:
        app.UsageError: If it is not a `.keras` file, or can't be loaded.
    """
    path = pathlib.Path(value or "")
    if not path.is_file() or path.suffix != ".keras":
        raise app.UsageError(
            f"--{flag} must be a .keras file. Received: --{flag}={value}"
        )
    try:
        return keras.saving.load_model(path, compile=False)
    # Damaged and hostile files raise errors of many types.
    except Exception as error:
        raise app.UsageError(f"Can't load {path}: {error}") from error


def compute_sha256(path):
    """Returns the SHA-256 of a file, by which features name their model."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
