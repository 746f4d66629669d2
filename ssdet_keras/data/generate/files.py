"""Files of generated data sets."""

import concurrent.futures
import csv
import io
import json
import math
import multiprocessing
import os

import numpy as np

from ssdet_keras.data.atomic_write import atomic_write

# Raise it when the same settings would give other videos.
_VERSION = 1


def check_range(name, value, low, high, kind=int):
    """Raises a `ValueError` unless `low <= value <= high`."""
    types = (int, np.integer)
    if kind is float:
        types += (float, np.floating)
    is_number = isinstance(value, types) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        what = "an integer" if kind is int else "a number"
        raise ValueError(
            f"`{name}` must be {what} in the range [{low}, {high}]. "
            f"Received: {name}={value!r}"
        )


def check_common_arguments(size, fps, seed, num_processes):
    """Checks the arguments that all generated data sets have."""
    check_range("size", size, 16, 1024)
    check_range("fps", fps, 5, 60)
    check_range("seed", seed, 0, 2**63 - 1)
    check_range("num_processes", num_processes, 1, 256)
    if size % 2:
        # The encoder halves the resolution of the colours.
        raise ValueError(f"`size` must be even. Received: size={size}")


def encode_id(key, alphabet, length):
    """Returns an identifier, a different one for every `(seed, number)`.

    Args:
        key: Pair of integers, a seed and a number.
        alphabet: String. The characters.
        length: Integer. Number of characters.
    """
    seed, number = key
    count = len(alphabet) ** length
    rng = np.random.default_rng(seed)
    # A factor without common divisors makes a permutation: no two numbers have
    # the same identifier.
    factor, offset = (int(value) for value in rng.integers(2**62, size=2))
    while math.gcd(factor, count) > 1:
        factor += 1
    value = (number * factor + offset) % count
    digits = []
    for _ in range(length):
        value, digit = divmod(value, len(alphabet))
        digits.append(alphabet[digit])
    return "".join(digits)


def open_folder(folder, settings):
    """Creates the folder of a data set, or makes sure that it is the same.

    Args:
        folder: String. The folder.
        settings: Dict of what the videos depend on.

    Raises:
        ValueError: If the folder holds anything else.
    """
    settings = {"version": _VERSION, **settings}
    settings = json.loads(json.dumps(settings, default=int))
    path = os.path.join(folder, "settings.json")
    os.makedirs(folder, exist_ok=True)
    # Listed once: another process may be writing the same settings.
    names = os.listdir(folder)
    if os.path.basename(path) in names:
        with open(path, encoding="utf-8") as file:
            try:
                found = dict(json.load(file))
            except ValueError as error:
                raise ValueError(f"{path} is damaged. {error}") from error
        differing = [
            name
            for name in {**settings, **found}
            if found.get(name) != settings.get(name)
        ]
        if differing:
            raise ValueError(
                "The folder must be new, or hold a data set that was generated "
                f"with the same settings. Received: folder={folder}, which has "
                + ", ".join(
                    f"{n}={found.get(n)} instead of {settings.get(n)}"
                    for n in differing
                )
            )
    elif any(not name.startswith(".") for name in names):
        raise ValueError(
            "The folder must be new, or hold a data set that was generated "
            f"before. Received: folder={folder}, which has other files"
        )
    else:
        with atomic_write(path) as file:
            file.write((json.dumps(settings, indent=2) + "\n").encode())


def write_text(path, text):
    """Writes a text file, the whole file or nothing."""
    part = f"{path}.part"
    with open(part, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    os.replace(part, path)


def write_table(path, columns, rows):
    """Writes a CSV file with a header, the whole file or nothing."""
    write_text(path, "".join(map(_format_row, [columns, *rows])))


def _format_row(cells):
    text = io.StringIO()
    # With another line end, the writer leaves "\r" in a cell without quotes.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def write_video(path, scene):
    """Renders a scene into an mp4 file, the whole file or nothing."""
    import cv2

    folder, name = os.path.split(path)
    part = os.path.join(folder, f".part-{name}")
    shape = (scene.size, scene.size)
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(part, codec, scene.fps, shape)
    if not writer.isOpened():
        raise OSError(f"OpenCV cannot write mp4 files. Received: path={path}")
    for picture in scene.render():
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    writer.release()
    os.replace(part, path)


def write_videos(videos, num_processes, verbose):
    """Writes the videos that are missing.

    Args:
        videos: Dict of paths to scenes.
        num_processes: Integer. Number of processes. The files do not depend
            on it.
        verbose: Boolean. Whether to show the progress.
    """
    for folder in {os.path.dirname(path) for path in videos}:
        os.makedirs(folder, exist_ok=True)
    tasks = [item for item in videos.items() if not os.path.exists(item[0])]
    if not tasks:
        return
    # Small tasks share the work well, large ones cost less to hand out.
    step = max(1, min(8, len(tasks) // (4 * num_processes)))
    batches = [tasks[i : i + step] for i in range(0, len(tasks), step)]
    progress = _Progress(len(tasks), verbose)
    if num_processes == 1:
        for task in tasks:
            _write_batch([task])
            progress.add(1)
        return
    # Forking a process that has loaded TensorFlow or PyTorch may hang.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        min(num_processes, len(batches)), mp_context=context
    ) as executor:
        futures = [executor.submit(_write_batch, batch) for batch in batches]
        try:
            for future in concurrent.futures.as_completed(futures):
                progress.add(future.result())
        except BaseException:
            executor.shutdown(cancel_futures=True)
            raise


def _write_batch(tasks):
    import cv2

    threads = cv2.getNumThreads()
    # The pictures are small: threads cost more than they give.
    cv2.setNumThreads(1)
    try:
        for path, scene in tasks:
            write_video(path, scene)
    finally:
        cv2.setNumThreads(threads)
    return len(tasks)


class _Progress:
    """A line of progress, which is rewritten on a terminal."""

    def __init__(self, total, verbose):
        self._bar = None
        if verbose:
            # Not at the top: the other processes do without Keras.
            import keras

            self._bar = keras.utils.Progbar(
                total, interval=2, unit_name="video"
            )

    def add(self, count):
        if self._bar is not None:
            self._bar.add(count)
