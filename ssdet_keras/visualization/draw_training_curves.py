"""A figure of training runs."""

import numpy as np

from ssdet_keras.visualization.figures import figure
from ssdet_keras.visualization.figures import get_line
from ssdet_keras.visualization.figures import shorten

# In inches.
_WIDTH = 8.0
_HEIGHT = 3.6
# Longer curves are smoothed by a running mean over a share of their rows.
_SMOOTH_FROM = 200
_SMOOTH_SHARE = 1 / 40


def draw_training_curves(path, runs, column="loss"):
    """Draws a column of training logs over steps or epochs.

    A column of the same name with `val_` before it is drawn dashed, in the
    same colour. A curve of more than 200 rows is drawn pale, with its running
    mean over a fortieth of them on top.

    Args:
        path: String or path-like. PNG file to write.
        runs: Dict of a name to a dict of column to a list, as read from the
            file of `keras.callbacks.CSVLogger`. Columns may be numbers or
            strings; what is not a number leaves a gap. The horizontal axis is
            the column `step` if all runs have it, else `epoch`, counted from
            1, else the row.
        column: String. Defaults to `"loss"`.

    Raises:
        ValueError: If `runs` is empty, or a run lacks the column, has no row
            or columns of different lengths.

    Example:

    ```python
    with open("log.csv") as file:
        rows = list(csv.DictReader(file))
    log = {key: [row[key] for row in rows] for key in rows[0]}
    draw_training_curves("loss.png", {"Volume Freeze": log})
    ```
    """
    if not runs:
        raise ValueError("`runs` must hold at least one run. Received: none")
    curves = []
    shared = set.intersection(*map(set, runs.values()))
    axis = next((key for key in ("step", "epoch") if key in shared), None)
    for index, (name, columns) in enumerate(runs.items()):
        if column not in columns:
            raise ValueError(
                f"A run must have the column {column!r}. Received: columns "
                f"{list(columns)} of {name!r}"
            )
        for key, suffix in ((column, ""), (f"val_{column}", ", validation")):
            if key in columns:
                values = _to_numbers(columns[key])
                x = _get_axis(columns, axis, len(values))
                _check_lengths(name, key, x, values)
                if suffix and np.isnan(values).all():
                    # What Keras writes in a run without validation.
                    continue
                line = get_line(index)
                if suffix:
                    line["linestyle"] = "--"
                curves.append((shorten(name, 36) + suffix, x, values, line))

    # Keep the order in which they were given, the legend above the axes.
    num_rows = -(-len(curves) // 2)
    legend_height = 0.24 * num_rows + 0.15
    with figure(path, _WIDTH, _HEIGHT + legend_height) as (_, add_axes):
        axes = add_axes(0.75, legend_height, _WIDTH - 0.95, _HEIGHT - 0.55)
        handles = [
            _draw_curve(axes, x, values, line) for _, x, values, line in curves
        ]
        axes.legend(
            handles,
            [label for label, *_ in curves],
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=2,
            frameon=False,
        )
        axes.set_xlabel(axis or "row of the log")
        axes.set_ylabel(column.replace("_", " "))
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)


def _draw_curve(axes, x, values, line):
    if len(values) > _SMOOTH_FROM:
        axes.plot(x, values, linewidth=0.8, alpha=0.3, **line)
        values = _smooth(values, int(len(values) * _SMOOTH_SHARE))
    marker = "o" if len(values) <= 40 else None
    return axes.plot(
        x, values, linewidth=1.8, marker=marker, markersize=4, **line
    )[0]


def _smooth(values, width):
    """Averages each value with those around it, without those missing."""
    window = np.ones(2 * (width // 2) + 1)
    is_known = np.isfinite(values)
    total = np.convolve(np.where(is_known, values, 0), window, "same")
    count = np.convolve(is_known, window, "same")
    return np.where(is_known, total / np.maximum(count, 1), np.nan)


def _to_numbers(values):
    numbers = []
    for value in values:
        try:
            numbers.append(float(value))
        except (TypeError, ValueError):
            # CSVLogger writes "NA" where an epoch lacks a column.
            numbers.append(np.nan)
    return np.array(numbers)


def _get_axis(columns, axis, num_rows):
    if axis is None:
        return np.arange(1, num_rows + 1)
    values = _to_numbers(columns[axis])
    return values + 1 if axis == "epoch" else values


def _check_lengths(name, key, x, values):
    if not len(values) or len(values) != len(x):
        raise ValueError(
            "The columns of a run must have one length, at least 1. "
            f"Received: {len(values)} rows of {key!r} and {len(x)} on the "
            f"horizontal axis, in {name!r}"
        )
