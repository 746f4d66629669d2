"""The figure of `reproduce.py`."""

import math

import numpy as np

from ssdet_keras.recipes.confidence_interval import compute_interval
from ssdet_keras.visualization.figures import COLORS
from ssdet_keras.visualization.figures import figure

# In inches.
_WIDTH = 9.0
_LEFT = 3.6
_RIGHT = 0.3
_TOP = 0.5
_BOTTOM = 0.55
_ROW = 0.25
_GAP = 0.4


def draw_gains(path, results):
    """Draws the gains of all rows of all tables over their first row.

    Args:
        path: Path of the PNG file to write.
        results: Dict of `Table` to a list of `RowResults`.
    """
    lines = []
    for table, rows in results.items():
        lines += [(table.title, None), *((r.row.title, r) for r in rows[1:])]
    height = sum(_ROW if row is not None else _GAP for _, row in lines)
    with figure(path, _WIDTH, _TOP + height + _BOTTOM) as (_, add_axes):
        axes = add_axes(_LEFT, _TOP, _WIDTH - _LEFT - _RIGHT, height)
        y, labels = 0.0, []
        for title, row in lines:
            y += _ROW if row is not None else _GAP
            labels.append((y - _ROW / 2, title, row is None))
            if row is not None:
                _draw_row(axes, y - _ROW / 2, row)
        axes.axvline(0, color="#666666", linewidth=0.8)
        axes.set_ylim(height, 0)
        axes.set_yticks([])
        for place, title, is_heading in labels:
            axes.text(
                -0.015,
                place,
                title,
                transform=axes.get_yaxis_transform(),
                ha="right",
                va="center",
                fontsize=8.5,
                fontweight="bold" if is_heading else "normal",
            )
        axes.set_xlabel("gain over the first row of the table, points of mAP")
        axes.grid(axis="x", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
        handles, names = axes.get_legend_handles_labels()
        unique = dict(zip(names, handles, strict=True))
        if unique:
            axes.legend(
                unique.values(),
                unique.keys(),
                loc="lower left",
                bbox_to_anchor=(0, 1),
                ncols=3,
                frameon=False,
                fontsize=8.5,
            )


def _draw_row(axes, y, row):
    gains = row.gains[np.isfinite(row.gains)]
    mean, half = compute_interval(gains)
    if math.isfinite(mean):
        axes.plot(
            gains,
            np.full(len(gains), y),
            "o",
            color=COLORS[4],
            markersize=3,
            label="a seed",
        )
        axes.errorbar(
            mean,
            y,
            xerr=half if math.isfinite(half) else 0,
            fmt="o",
            color=COLORS[0],
            markersize=5.5,
            linewidth=1.6,
            label="ours, 95 % interval",
        )
    if row.paper_gain is not None:
        axes.plot(
            row.paper_gain,
            y,
            "D",
            color=COLORS[1],
            markersize=5,
            fillstyle="none",
            label="the paper's",
        )
