r"""Compares two runs of `reproduce.py` with the same seeds, as on two backends.

    python recipes/compare_reproductions.py \
        --reproduction=reproduction --reproduction=reproduction_tf

Prints, as Markdown, each table that both have. The mean average precision is
that of the protocol of the table, in %, and the gain is over the first row. The
difference is that of the second run to the first, paired by seed: of the
precision in the first row, of the gains in the others. Where its 95 % interval
holds zero, the runs can't be told apart. The gain of both is the mean of the
two runs for each seed, and then over seeds, so that its interval is of as many
values as there are seeds.
"""

import json
import math
import pathlib

import numpy as np
from absl import app
from absl import flags

from ssdet_keras.recipes.confidence_interval import compute_interval
from ssdet_keras.recipes.reproduction_report import format_interval
from ssdet_keras.recipes.reproduction_report import to_markdown
from ssdet_keras.recipes.reproduction_tables import TABLES

_REPRODUCTIONS = flags.DEFINE_multi_string(
    "reproduction", None, "A --workdir of reproduce.py, twice.", required=True
)


def read_numbers(root):
    """Returns the list of numbers that `reproduce.py` wrote into a folder."""
    path = pathlib.Path(root) / "results.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise app.UsageError(
            f"--reproduction has no results.json, which reproduce.py writes "
            f"at its end: {root}"
        ) from error


def list_seeds(numbers):
    return sorted({number["seed"] for number in numbers})


def describe_run(numbers):
    """Returns the backends, devices and commits of numbers as a string."""
    return "; ".join(
        ", ".join(sorted({number.get(name, "?") for number in numbers}))
        for name in ("backend", "device", "commit")
    )


def collect_scores(numbers, table, seeds):
    """Returns a dict of rows to arrays of shape `(seeds,)`, in %, or NaN."""
    scores = {}
    for number in numbers:
        if number["table"] == table.name:
            row = scores.setdefault(
                number["row"], np.full(len(seeds), math.nan)
            )
            if number[table.protocol] is not None:
                row[seeds.index(number["seed"])] = number[table.protocol]
    return scores


def describe_difference(differences):
    mean, half = compute_interval(differences)
    if not math.isfinite(half):
        return ""
    return "differs" if abs(mean) > half else "can't be told apart"


def compare_table(scores):
    """Returns the cells of the rows of a table.

    Args:
        scores: Pair of dicts of rows to arrays of shape `(seeds,)`.
    """
    rows, first = [], None
    for title in scores[0]:
        if title not in scores[1]:
            continue
        pair = [run[title] for run in scores]
        if first is None:
            first, gains, of_both = pair, ["", ""], ""
            differences = pair[1] - pair[0]
        else:
            values = [run - base for run, base in zip(pair, first, strict=True)]
            gains = [format_interval(run, "+") for run in values]
            of_both = format_interval(np.mean(values, axis=0), "+")
            differences = values[1] - values[0]
        rows.append(
            [
                title,
                *(format_interval(run) for run in pair),
                *gains,
                format_interval(differences, "+"),
                of_both,
                describe_difference(differences),
            ]
        )
    return rows


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    roots = _REPRODUCTIONS.value
    if len(roots) != 2:
        raise app.UsageError(f"--reproduction must be two. Received: {roots}")
    runs = [read_numbers(root) for root in roots]
    seeds = [list_seeds(numbers) for numbers in runs]
    if seeds[0] != seeds[1]:
        raise app.UsageError(
            "--reproduction must be of the same seeds, which are paired. "
            f"Received: {seeds[0]} and {seeds[1]}"
        )
    names = [pathlib.Path(root).resolve().name for root in roots]
    header = [
        "Row",
        *(f"{name}, mAP" for name in names),
        *(f"{name}, gain" for name in names),
        "Difference",
        "Gain of both",
        "",
    ]
    sections = [
        f"Seeds {', '.join(map(str, seeds[0]))}.",
        *(
            f"{name}: {describe_run(numbers)}."
            for name, numbers in zip(names, runs, strict=True)
        ),
    ]
    for table in TABLES:
        scores = [collect_scores(numbers, table, seeds[0]) for numbers in runs]
        cells = compare_table(scores)
        if cells:
            sections.append(f"### {table.title}")
            sections.append(to_markdown(header, cells).strip())
    print("\n\n".join(sections))  # noqa: T201


if __name__ == "__main__":
    app.run(main)
