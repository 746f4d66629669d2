"""Sections of the report on training runs, for `visualization.write_page`.

Runs are a dict of names to `training.Run`. What a run lacks is told in a
sentence.
"""

import collections

import numpy as np

from ssdet_keras import visualization

_NONE = "\N{EN DASH}"
# Settings in which runs differ anyway.
_OWN_SETTINGS = {"workdir", "resume"}


def show_runs(runs):
    """Returns what the runs are, and how their settings differ."""
    rows = []
    for name, run in runs.items():
        losses = run.log.get("loss", [])
        rows.append(
            [
                name,
                *(
                    run.description.get(key, _NONE)
                    for key in ("task", "dataset", "backend", "seed")
                ),
                len(losses) or _NONE,
                f"{_to_float(losses[-1]):.4f}" if losses else _NONE,
                len(run.failures),
            ]
        )
    header = ["run", "task", "data set", "backend", "seed", "epochs"]
    header += ["last loss", "unreadable videos"]
    return [
        ("table", header, rows),
        *_tell_missing(
            runs,
            "model.json",
            lambda run: run.description,
            "the training is not done",
        ),
        *_show_settings(runs),
    ]


def _show_settings(runs):
    settings = {n: run.settings for n, run in runs.items() if run.settings}
    if len(settings) < 2:
        return []
    # Other recipes have other flags.
    shared = set.intersection(*map(set, settings.values())) - _OWN_SETTINGS
    rows = []
    for flag in sorted(shared):
        values = [values[flag] for values in settings.values()]
        if len(set(values)) > 1:
            rows.append([flag, *values])
    if not rows:
        return [("paragraph", "The runs have the same settings.")]
    return [
        ("heading", "Settings that differ"),
        ("table", ["setting", *settings], rows),
    ]


def show_results(runs):
    """Returns the results by every protocol."""
    evaluated = {n: run.results for n, run in runs.items() if run.results}
    missing = _tell_missing(
        runs,
        "results.json",
        lambda run: run.results,
        "recipes/evaluate.py writes it",
    )
    if not evaluated:
        return [("heading", "Results"), *missing]
    first = next(iter(evaluated))
    rows = []
    # In the order in which they are first named.
    for protocol in dict.fromkeys(
        p for of_run in evaluated.values() for p in of_run
    ):
        row = [protocol]
        means = {
            name: 100 * results[protocol]["mean"]
            for name, results in evaluated.items()
            if protocol in results
        }
        for name in evaluated:
            cell = f"{means[name]:.2f}" if name in means else _NONE
            if name != first and {name, first} <= means.keys():
                gain = _with_sign(means[name] - means[first], 2)
                cell += f" ({gain})"
            row.append(cell)
        rows.append(row)
    text = "Mean average precision in %, by protocol."
    if len(evaluated) > 1:
        text += f" In brackets: the gain over {first}, in points."
    return [
        ("heading", "Results"),
        ("paragraph", text),
        ("table", ["protocol", *evaluated], rows),
        *missing,
    ]


def show_classes(runs, class_names, records, folder):
    """Returns figures of the gains of classes over the first run.

    Args:
        runs: Dict.
        class_names: List of strings, or `None` without any results.
        records: `VideoRecords`, or `None`: annotations, to count segments.
        folder: `pathlib.Path` of the pictures.
    """
    evaluated = {n: run.results for n, run in runs.items() if run.results}
    if len(evaluated) < 2:
        return []
    counts = None
    if records is not None:
        counts = np.zeros(len(class_names), int)
        for record in records:
            for class_index, *_ in record.segments:
                counts[class_index] += 1
    (first, first_results), *others = evaluated.items()
    sections = [("heading", "Gains and losses of classes")]
    for index, (name, results) in enumerate(others):
        protocol = next((key for key in first_results if key in results), None)
        if protocol is None:
            text = f"{first} and {name} were evaluated by other protocols."
            sections.append(("paragraph", text))
            continue
        values = {
            run_name: np.array(
                list(of_run[protocol]["per_class"].values()), "float64"
            )
            for run_name, of_run in ((first, first_results), (name, results))
        }
        if not np.isfinite(list(values.values())).all(0).any():
            text = f"{first} and {name} have results of no common class."
            sections.append(("paragraph", text))
            continue
        path = folder / f"class_gains_{index}.png"
        visualization.draw_class_gains(path, values, class_names, counts)
        gains = np.subtract(*list(values.values())[::-1])
        gains = gains[np.isfinite(gains)]
        caption = (
            f"{name} compared with {first}, {protocol}: of {len(gains)} "
            f"classes, {(gains > 0).sum()} gain and {(gains < 0).sum()} lose; "
            f"the median is {_with_sign(100 * np.median(gains), 1)} points."
        )
        if counts is not None:
            caption += " Segments: how often the class is annotated."
        sections.append(("picture", path, caption))
    return sections


def show_training(runs, folder):
    """Returns figures of the loss, one for each task and data set."""
    groups = collections.defaultdict(dict)
    for name, run in runs.items():
        if "loss" in run.log:
            keys = ("task", "dataset", "loss")
            told = [run.description.get(key) for key in keys]
            group = ", ".join(filter(None, told)) or "training not done"
            groups[group][name] = run.log
    sections = [("heading", "Training")]
    for index, (group, logs) in enumerate(groups.items()):
        path = folder / f"training_loss_{index}.png"
        visualization.draw_training_curves(path, logs)
        sections.append(("picture", path, f"Loss ({group}), by epoch."))
    if len(groups) > 1:
        text = "Losses of different tasks can't be compared."
        sections.append(("paragraph", text))
    sections += _tell_missing(
        runs, "log.csv", lambda run: "loss" in run.log, "nothing to draw"
    )
    return sections


def _tell_missing(runs, file, has_it, reason):
    names = [name for name, run in runs.items() if not has_it(run)]
    if not names:
        return []
    return [
        ("paragraph", f"There is no {file} of {', '.join(names)}: {reason}.")
    ]


def _with_sign(value, digits):
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _to_float(text):
    try:
        return float(text)
    except ValueError:
        return float("nan")
