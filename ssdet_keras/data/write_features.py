"""Writing features of videos."""

import contextlib
import glob
import os

import numpy as np

from ssdet_keras.data import feature_format
from ssdet_keras.data.atomic_write import atomic_write
from ssdet_keras.version import __version__


def write_features(
    folder,
    video_id,
    parts,
    num_steps,
    fps,
    stride,
    offset=0.0,
    num_frames=None,
    origin=None,
    dtype="float16",
):
    """Writes the features of a video to a file of its own.

    The file is `FOLDER/ID.safetensors`, which any program reads that knows
    this format. It appears there once it is complete, and its parts are
    written as they come, so that features of long videos need not fit into
    memory. An earlier file of the video is replaced.

    Args:
        folder: String or path. It is made where it is missing.
        video_id: String. Id of the `VideoRecord`. An id with slashes gives
            folders.
        parts: Iterable of dicts of name to an array of shape `(steps, ...)`,
            each with some steps of every array, one after the other: at least
            `"features"`, of shape `(steps, channels)`. All at once are
            `[arrays]`.
        num_steps: Integer. Number of steps of all parts.
        fps: Float. Frames per second of the video.
        stride: Float. Frames of the video from one step to the next.
        offset: Float. Frame of the video at the first step. Defaults to `0.0`.
        num_frames: Integer or `None`. Number of frames of the video.
        origin: Dict or `None`. What the features are made with, such as the
            model: plain values. `FeatureFolder` refuses a folder of files
            that differ in it.
        dtype: `"float16"` or `"float32"`. Defaults to `"float16"`.

    Raises:
        ValueError: If the parts don't fit together or into the dtype, or an
            argument is out of its range. There is no file then.

    Example:

    ```python
    features = np.zeros((120, 432), "float32")
    ssdet_keras.data.write_features(
        "features", "7UPGT", [{"features": features}], 120, fps=24, stride=10
    )
    ```
    """
    feature_format.check_dtype(dtype)
    if not (0 < fps < float("inf") and 0 < stride < float("inf")):
        raise ValueError(
            "`fps` and `stride` must be positive. "
            f"Received: fps={fps}, stride={stride}"
        )
    path = feature_format.find_path(folder, video_id)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    _remove_leftovers(path)
    info = {
        "id": video_id,
        "fps": float(fps),
        "num_frames": None if num_frames is None else int(num_frames),
        "stride": float(stride),
        "offset": float(offset),
        "origin": origin or {},
        "written_by": f"ssdet_keras {__version__}",
    }
    with atomic_write(path) as file:
        shapes, step = None, 0
        for part in parts:
            arrays = {name: _cast(part[name], dtype) for name in sorted(part)}
            length = len(arrays.get("features", ()))
            if shapes is None:
                shapes = {
                    name: (num_steps, *array.shape[1:])
                    for name, array in arrays.items()
                }
                _check_features(shapes)
                header, places = feature_format.encode_header(
                    shapes, dtype, info
                )
                file.write(header)
            _check_part(arrays, shapes, step, length)
            for name, array in arrays.items():
                row_bytes = array[:1].nbytes
                file.seek(places[name] + step * row_bytes)
                file.write(array.tobytes())
            step += length
        if step != num_steps or shapes is None:
            raise ValueError(
                f"`parts` must have `num_steps` steps. Received: {step} steps, "
                f"num_steps={num_steps}"
            )


def _remove_leftovers(path):
    """Removes what a writer that was killed has left of this file."""
    folder, name = os.path.split(path)
    for leftover in glob.glob(
        f".{glob.escape(name)}.*", root_dir=folder or "."
    ):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, leftover))


def _cast(array, dtype):
    with np.errstate(over="ignore"):
        cast = np.asarray(array).astype(dtype)
    if not np.isfinite(cast).all():
        raise ValueError(
            f"Features must be finite in {dtype}. Received: values from "
            f"{np.min(array)} to {np.max(array)}"
        )
    return cast


def _check_features(shapes):
    if len(shapes.get("features", ())) != 2:
        raise ValueError(
            '`parts` must have "features" of shape (steps, channels). '
            f"Received: {shapes}"
        )


def _check_part(arrays, shapes, step, length):
    found = {name: array.shape for name, array in arrays.items()}
    wanted = {name: (length, *shape[1:]) for name, shape in shapes.items()}
    num_steps = shapes["features"][0]
    if found != wanted or step + length > num_steps:
        raise ValueError(
            f"`parts` must have the same arrays, of {num_steps} steps in all. "
            f"Received: {found} after {step} steps of {shapes}"
        )
