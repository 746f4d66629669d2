"""The report of `reproduce.py`."""

import dataclasses
import json
import math

import numpy as np

from ssdet_keras import visualization
from ssdet_keras.data.atomic_write import atomic_write
from ssdet_keras.recipes.confidence_interval import compute_interval
from ssdet_keras.recipes.reproduction_figure import draw_gains

_PROTOCOLS = ("charades_official", "per_frame")
_HEADER = (
    "Row",
    "Paper, mAP",
    "Paper, gain",
    "25 frames, mAP",
    "Per frame, mAP",
    "Gain",
    "As in the paper",
)
_EXPLANATION = (
    "mAP is the mean average precision in %, the mean over seeds and its 95 % "
    "confidence interval by Student's t: at 25 frames of each video "
    "(charades_official), and at every frame (per_frame). The gain is that "
    "over the first row of the table, by the protocol of the paper's table, "
    "paired by seed. Where its interval holds zero, the direction can't be "
    "told; of twenty intervals, one leaves zero out by chance."
)
_GENERATED = (
    "The videos are generated: compare the directions with those of the paper, "
    "not the levels. Tables 1 and 3 are of the same models here, at 25 frames "
    "and at every frame."
)


@dataclasses.dataclass
class RowResults:
    """What was measured of a row.

    Attributes:
        row: `Row`.
        scores: Dict of protocol to an array of shape `(seeds,)`, in %, NaN
            where there is no result.
        gains: Array of shape `(seeds,)`, to the first row of the table.
        paper_gain: Float or `None`.
    """

    row: object
    scores: dict
    gains: np.ndarray
    paper_gain: float | None

    @property
    def direction(self):
        """String. Whether the gain has the sign of the paper's."""
        mean, half = compute_interval(self.gains)
        if not math.isfinite(mean):
            return ""
        is_certain = math.isfinite(half) and abs(mean) > half
        if self.paper_gain is None:
            if not is_certain:
                return "not in the paper; can't be told from zero"
            return f"not in the paper; {'gains' if mean > 0 else 'loses'}"
        if not is_certain:
            return "can't be told from zero"
        return "yes" if mean * self.paper_gain > 0 else "no"


def read_scores(path):
    """Returns a dict of protocol to the mAP of an evaluation in %, or NaN."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        results = {}
    if "multithumos_per_frame" in results:
        results["per_frame"] = results["multithumos_per_frame"]
    return {
        protocol: 100 * results.get(protocol, {"mean": math.nan})["mean"]
        for protocol in _PROTOCOLS
    }


def collect(table, seeds, evaluations):
    """Returns a list of `RowResults`, of the rows of a table."""
    results = []
    for row in table.rows:
        by_seed = [
            read_scores(evaluations[table.name, row.title, seed].result)
            for seed in seeds
        ]
        scores = {
            protocol: np.array([scores[protocol] for scores in by_seed])
            for protocol in _PROTOCOLS
        }
        paper_gain, gains = None, np.full(len(seeds), math.nan)
        if results:
            first = results[0]
            gains = scores[table.protocol] - first.scores[table.protocol]
            if None not in (row.paper, first.row.paper):
                paper_gain = row.paper - first.row.paper
        results.append(RowResults(row, scores, gains, paper_gain))
    return results


def format_interval(values, sign=""):
    mean, half = compute_interval(values)
    if not math.isfinite(mean):
        return "-"
    text = f"{mean:{sign}.1f}"
    if math.isfinite(half):
        text += f" ± {half:.1f}"
    num_missing = int(np.isnan(values).sum())
    return f"{text} ({num_missing} missing)" if num_missing else text


def format_row(results):
    """Returns the cells of a row."""
    row = results.row
    return [
        row.title,
        "" if row.paper is None else f"{row.paper:.2f}",
        "" if results.paper_gain is None else f"{results.paper_gain:+.2f}",
        *(format_interval(results.scores[name]) for name in _PROTOCOLS),
        ""
        if np.all(np.isnan(results.gains))
        else format_interval(results.gains, "+"),
        results.direction,
    ]


def describe_origin(seeds, evaluations, runner):
    """Returns a paragraph of what computed the results, with all they need."""
    jobs, waiting = set(), list(evaluations.values())
    while waiting:
        job = waiting.pop()
        if job not in jobs:
            jobs.add(job)
            waiting += job.needs
    records = [runner.read_record(job) for job in jobs]
    records = [record for record in records if record is not None]
    facts = {
        name: ", ".join(sorted({record[name] for record in records}))
        for name in ("backend", "device", "commit")
    }
    return (
        f"Backend: {facts['backend']}. Device: {facts['device']}. "
        f"Commit: {facts['commit']}. Seeds: {', '.join(map(str, seeds))}."
    )


def list_numbers(tables, seeds, evaluations, runner):
    """Returns a dict for every number, with where it comes from."""
    numbers = []
    for table in tables:
        for row in table.rows:
            for seed in seeds:
                job = evaluations[table.name, row.title, seed]
                numbers.append(
                    {
                        "table": table.name,
                        "row": row.title,
                        "paper": row.paper,
                        "seed": seed,
                        **read_scores(job.result),
                        "job": job.name,
                        **(runner.read_record(job) or {}),
                    }
                )
    return numbers


def to_markdown(header, rows):
    """Returns a table whose columns between the outer ones are numbers."""
    alignment = ["---", *["---:"] * (len(header) - 2), "---"]
    lines = [header, alignment, *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def write_report(
    root, tables, seeds, evaluations, runner, commands, is_generated
):
    """Writes report.html, report.md, results.png and results.json.

    Args:
        root: Path of the folder to write.
        tables: Sequence of `Table`.
        seeds: List of integers.
        evaluations: Dict of the names of a table and a row, and a seed, to the
            evaluation `Job`.
        runner: `JobRunner` that ran the jobs.
        commands: List of strings, those of the first seed.
        is_generated: Boolean. Whether the videos are generated.
    """
    results = {table: collect(table, seeds, evaluations) for table in tables}
    origin = describe_origin(seeds, evaluations, runner)
    draw_gains(root / "results.png", results)
    texts = [origin, *([_GENERATED] if is_generated else []), _EXPLANATION]
    sections = [
        *(("paragraph", text) for text in texts),
        (
            "picture",
            root / "results.png",
            "Gains over the first row of each table: the mean, its 95 % "
            "confidence interval, and each seed; the paper's as a diamond.",
        ),
    ]
    markdown = ["\n\n".join(texts) + "\n"]
    for table, rows in results.items():
        cells = [format_row(row) for row in rows]
        sections += [
            ("heading", table.title),
            ("table", list(_HEADER), cells),
        ]
        markdown.append(f"### {table.title}\n\n{to_markdown(_HEADER, cells)}")
    numbers = list_numbers(tables, seeds, evaluations, runner)
    sections += [
        ("heading", "Every number"),
        (
            "paragraph",
            "The command of each is in results.json, and those that it needs "
            "in jobs/.",
        ),
        (
            "table",
            ["table", "row", "seed", *_PROTOCOLS, "job"],
            [
                [
                    number["table"],
                    number["row"],
                    number["seed"],
                    *(
                        "-"
                        if math.isnan(number[name])
                        else f"{number[name]:.2f}"
                        for name in _PROTOCOLS
                    ),
                    number["job"],
                ]
                for number in numbers
            ],
        ),
        ("heading", f"Commands of seed {seeds[0]}"),
        ("code", "\n\n".join(commands)),
    ]
    visualization.write_page(
        root / "report.html", "The experiments of the paper", sections
    )
    for name, text in (
        ("report.md", "\n".join(markdown)),
        ("results.json", json.dumps(_without_nan(numbers), indent=2) + "\n"),
    ):
        with atomic_write(root / name) as file:
            file.write(text.encode())


def _without_nan(numbers):
    """JSON has no NaN."""
    return [
        {
            name: None if isinstance(x, float) and math.isnan(x) else x
            for name, x in number.items()
        }
        for number in numbers
    ]
