"""What a training run has left in its folder."""

import csv
import dataclasses
import json
import pathlib


@dataclasses.dataclass(frozen=True)
class Run:
    """A training run, of which any part may be missing.

    Attributes:
        name: String. Name of the folder.
        path: `pathlib.Path`, the folder.
        settings: Dict of flag to value, both strings, from `flags.txt`.
        description: Dict, from `model.json`.
        log: Dict of column to a list of strings, from `log.csv`.
        results: Dict of protocol to a dict of `"mean"`, a float, and
            `"per_class"`, a dict of class name to a float or `None`, from
            `results.json`. All are of the same classes.
        failures: List of strings, the videos of `failures.txt`.
    """

    name: str
    path: pathlib.Path
    settings: dict
    description: dict
    log: dict
    results: dict
    failures: list

    @property
    def predictions_path(self):
        """Path of the saved scores, or `None` where there are none."""
        path = self.path / "predictions.npz"
        return path if path.is_file() else None


def read_run(path):
    """Reads the folder of a training run, or of an evaluation.

    Args:
        path: String or path-like. The folder that `WorkDir` and
            `recipes/evaluate.py` write.

    Returns:
        A `Run`. What is missing in the folder is empty in it.

    Raises:
        ValueError: If it is not such a folder, or one of its files is damaged.
    """
    path = pathlib.Path(path)
    readers = {
        "flags.txt": _read_flags,
        "model.json": _read_json,
        "log.csv": _read_csv,
        "results.json": _read_results,
        "failures.txt": _read_failures,
    }
    texts = {}
    for name in readers:
        try:
            texts[name] = (path / name).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"`{path / name}` must be a text file ({error})."
            ) from error
    if not texts and not (path / "predictions.npz").is_file():
        raise ValueError(
            "`path` must be the folder of a training run, which holds one of "
            f"{', '.join(readers)} or predictions.npz. Received: path={path}"
        )
    parts = [
        read(texts.get(name, ""), path / name) for name, read in readers.items()
    ]
    # A path such as `.` or `runs/..` has another last part.
    return Run(path.resolve().name, path, *parts)


def _read_flags(text, path):
    settings = {}
    for line in text.splitlines():
        name, has_value, value = line.strip().removeprefix("--").partition("=")
        if name and not has_value:
            is_negated = name.startswith("no")
            name, value = name[2 * is_negated :], str(not is_negated).lower()
        if name:
            settings[name] = value
    return settings


def _read_json(text, path):
    try:
        content = json.loads(text or "{}")
    except ValueError as error:
        raise ValueError(f"`{path}` must be JSON ({error}).") from error
    if not isinstance(content, dict):
        raise ValueError(
            f"`{path}` must hold a JSON object. Received: a "
            f"{type(content).__name__}"
        )
    return content


def _read_csv(text, path):
    header, *rows = csv.reader(text.splitlines() or [""])
    if header and "epoch" not in header:
        raise ValueError(
            f"`{path}` must be a log of Keras, with a column epoch. Received: "
            f"{','.join(header)[:60]}"
        )
    # The last row of a run that goes on may be half written.
    rows = [row for row in rows if len(row) == len(header)]
    return {
        name: [row[column] for row in rows]
        for column, name in enumerate(header if rows else [])
    }


def _read_results(text, path):
    results = _read_json(text, path)
    class_names = None
    for name, result in results.items():
        try:
            float(result["mean"])
            per_class = result["per_class"]
            for value in per_class.values():
                float(value or 0)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"`{path}` must hold a mean and per_class for each protocol. "
                f"Received: {str(result)[:60]} for {name}"
            ) from error
        if list(per_class) != (class_names or list(per_class)):
            raise ValueError(
                f"`{path}` must be of the same classes in each protocol. "
                f"Received: others for {name}"
            )
        class_names = list(per_class)
    return results


def _read_failures(text, path):
    return text.splitlines()
