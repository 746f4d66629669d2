"""The format of feature files: safetensors, and what the features are of.

    8 bytes      length of the header
    header       JSON: dtype, shape and place of each array, "__metadata__"
    arrays       one after another, the rows of each in the order of the steps

An array of a part of the steps lies in one piece, wherever the file is mapped.
See https://github.com/huggingface/safetensors#format.
"""

import json
import math
import os
import pathlib

import numpy as np

SUFFIX = ".safetensors"
_VERSION = 1
_METADATA = "__metadata__"
_INFO = "ssdet_keras"
_NAMES = {"float16": "F16", "float32": "F32"}
_DTYPES = {name: dtype for dtype, name in _NAMES.items()}


def find_path(folder, video_id):
    """Returns the path of the features of a video in a folder.

    Names that start with a dot are those of `atomic_path()`.
    """
    parts = pathlib.PurePosixPath(video_id).parts
    hidden = any(part.startswith(".") for part in parts)
    if not parts or hidden or "/".join(parts) != video_id:
        raise ValueError(
            "The id of a video must be the name of a file in the folder, "
            f"and not start with a dot. Received: id={video_id!r}"
        )
    return os.path.join(folder, *parts) + SUFFIX


def check_dtype(dtype):
    """Raises an error unless arrays of this dtype can be written."""
    if dtype not in _NAMES:
        raise ValueError(
            f"`dtype` must be one of {list(_NAMES)}. Received: dtype={dtype!r}"
        )


def encode_header(shapes, dtype, info):
    """Returns the beginning of a file, and where each array begins.

    Args:
        shapes: Dict of name to the shape of an array.
        dtype: `"float16"` or `"float32"`.
        info: Dict of what the features are of.

    Returns:
        Tuple of bytes, and a dict of name to a place in the file.
    """
    info = json.dumps({"version": _VERSION, **info})
    header = {_METADATA: {_INFO: info}}
    places, end = {}, 0
    for name, shape in shapes.items():
        places[name] = end
        end += math.prod(shape) * np.dtype(dtype).itemsize
        header[name] = {
            "dtype": _NAMES[dtype],
            "shape": shape,
            "data_offsets": [places[name], end],
        }
    text = json.dumps(header).encode()
    # Aligned, as the library of the format does.
    text += b" " * (-len(text) % 8)
    start = 8 + len(text)
    data = len(text).to_bytes(8, "little") + text
    return data, {name: start + place for name, place in places.items()}


def read_file(path):
    """Returns the arrays of a file, which are mapped, not read.

    Returns:
        Tuple of a dict of name to array, and the dict of what they are of.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it was not written by this package, or is damaged.
    """
    try:
        data = np.memmap(path, "uint8", "r")
        start = 8 + int.from_bytes(data[:8].tobytes(), "little")
        header = json.loads(data[8:start].tobytes())
        info = json.loads(header.pop(_METADATA)[_INFO])
        if info.pop("version") != _VERSION:
            raise ValueError("another version of ssdet_keras wrote it")
        arrays = {}
        end = 0
        for name, array in header.items():
            first, end = array["data_offsets"]
            arrays[name] = (
                data[start + first : start + end]
                .view(_DTYPES[array["dtype"]])
                .reshape(array["shape"])
            )
        if start + end != len(data):
            raise ValueError(f"{len(data)} bytes in place of {start + end}")
    except FileNotFoundError:
        raise
    except Exception as error:
        # A damaged file can raise almost any error.
        raise ValueError(
            "A file of features must be a whole file of `write_features`. "
            f"Received: {path} ({type(error).__name__}: {error})"
        ) from error
    return arrays, info
