"""Records kept in a file, to be read again at once."""

import json
import os
import time

import numpy as np
from absl import logging

from ssdet_keras.data.atomic_write import atomic_write
from ssdet_keras.data.fingerprint import fingerprint
from ssdet_keras.data.record_table import RecordTable
from ssdet_keras.data.video_records import VideoRecords

# Raise it when the readers would give other records of the same files.
_VERSION = 1

# What has changed less than this many seconds ago may change again without
# another time of change: the clocks of some file systems are as coarse.
_CLOCK_SECONDS = 2.0


def cached_records(cache, read, annotations, video_root, split, class_names):
    """Returns the records of a reader, from a file if it is up to date.

    The file is an archive of NumPy arrays, so that reading one runs no code.
    It holds the arguments of the reader and a `fingerprint` of every file that
    it read and every folder that it listed. If any of them differs, or the
    file is damaged, it is written again, the whole file or nothing.

    Args:
        cache: String, path or `None`, to read every time. The file, which
            must end in `.npz`.
        read: Function of the four other arguments, which returns
            `VideoRecords` and the fingerprints of the folders it listed.
        annotations: String or path. A file, or a folder of files.
        video_root: String or path.
        split: String or `None`.
        class_names: Sequence of names, the path of a class list, or `None`.

    Returns:
        `VideoRecords`.

    Raises:
        ValueError: If `cache` is another file than an `.npz` file.
    """
    arguments = (annotations, video_root, split, class_names)
    if cache is None:
        return read(*arguments)[0]
    if not os.fspath(cache).endswith(".npz"):
        # Lest an annotation file, given by mistake, is written over.
        raise ValueError(
            f"`cache` must be the path of an .npz file. Received: cache={cache}"
        )
    key = json.dumps([_VERSION, read.__module__, *arguments], default=_to_json)
    records = _load(cache, key)
    if records is None:
        start = time.time()
        fingerprints = _fingerprint_files(annotations, class_names)
        records, folders = read(*arguments)
        fingerprints.update(folders)
        if _are_old(fingerprints, start):
            _save(cache, key, fingerprints, records)
        else:
            logging.info("Not kept in %s: the files are too new.", cache)
    return records


def _to_json(value):
    return os.fspath(value) if isinstance(value, os.PathLike) else list(value)


def _fingerprint_files(annotations, class_names):
    paths = [os.fspath(annotations)]
    if os.path.isdir(annotations):
        paths += sorted(entry.path for entry in os.scandir(annotations))
    if isinstance(class_names, str | os.PathLike):
        paths.append(os.fspath(class_names))
    return {path: fingerprint(path) for path in paths}


def _are_old(fingerprints, start):
    """Tells whether everything had last changed well before the start."""
    latest = max(found[0] for found in fingerprints.values() if found)
    return latest < (start - _CLOCK_SECONDS) * 1e9


def _load(cache, key):
    """Returns the records, or `None` if they are not there or outdated."""
    try:
        with np.load(cache, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(arrays.pop("header").tobytes())
        if header["key"] != key:
            return None
        fingerprints = header["fingerprints"]
        records = VideoRecords(RecordTable(arrays), **header["description"])
    except FileNotFoundError:
        return None
    except Exception as error:
        # A damaged archive can raise almost any error.
        logging.warning("Reading anew, as %s is damaged: %s", cache, error)
        return None
    if any(fingerprint(p) != found for p, found in fingerprints.items()):
        return None
    return records


def _save(cache, key, fingerprints, records):
    header = {
        "key": key,
        "fingerprints": fingerprints,
        "description": {
            "class_names": records.class_names,
            "repairs": records.repairs,
            "examples": records.examples,
        },
    }
    header = json.dumps(header).encode()
    try:
        os.makedirs(os.path.dirname(os.path.abspath(cache)), exist_ok=True)
        with atomic_write(cache) as file:
            np.savez(
                file,
                header=np.frombuffer(header, "uint8"),
                **records.table.arrays,
            )
    except OSError as error:
        logging.warning("The records could not be kept in a file: %s", error)
