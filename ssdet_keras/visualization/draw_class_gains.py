"""A figure of which classes gain and lose between two models."""

import numpy as np

from ssdet_keras.visualization.figures import COLORS
from ssdet_keras.visualization.figures import figure
from ssdet_keras.visualization.figures import shorten

_GAIN_COLOR, _LOSS_COLOR = COLORS[:2]
_GREY = "#666666"
_FIRST_MARK = {
    "marker": "o",
    "markersize": 6,
    "markeredgewidth": 1.5,
    "markeredgecolor": _GREY,
    "color": "white",
}
_SECOND_MARK = {"marker": "D", "markersize": 5.5}
# In inches.
_WIDTH = 9.0
_LEFT = 2.6
_RIGHT = 1.75
_TOP = 0.62
_ROW = 0.24
_BOTTOM = 0.55
_GAIN_COLUMN = 0.65
_COUNT_COLUMN = 1.4


def draw_class_gains(
    path, results, class_names, num_segments=None, max_classes=24
):
    """Draws the average precision of classes by two models.

    Each class has a row with a mark for each model, and the line between them
    is the gain or the loss. The classes are sorted from the largest gain to
    the largest loss. Where there are too many, those in the middle are left
    out.

    Args:
        path: String or path-like. PNG file to write.
        results: Dict of the names of two models to arrays of shape
            `(classes,)`, average precisions in `[0, 1]`, NaN where a class
            has no positive. The first one is compared with.
        class_names: Sequence of strings.
        num_segments: Sequence of integers, or `None`. How often each class
            is annotated, which tells how much its gain means.
        max_classes: Integer. Most classes to show. Defaults to `24`.

    Raises:
        ValueError: If there are not two models, an array has another shape or
            a value out of range, or no class has a value by both.

    Example:

    ```python
    draw_class_gains(
        "gains.png",
        {
            "classification": before["per_frame"].per_class,
            "detection": after["per_frame"].per_class,
        },
        class_names,
    )
    ```
    """
    values = _check(results, class_names, num_segments)
    if max_classes < 2:
        raise ValueError(
            "`max_classes` must be at least 2. Received: "
            f"max_classes={max_classes}"
        )
    first, second = values
    gains = second - first
    order = np.argsort(-gains, kind="stable")
    order = order[: np.isfinite(gains).sum()]
    # Rows of a class, or of the number of those left out.
    rows = list(order)
    num_left_out = len(order) - max_classes
    if num_left_out > 0:
        half = max_classes // 2
        rows = [*order[: max_classes - half], None, *order[-half:]]

    height = _TOP + len(rows) * _ROW + _BOTTOM
    with figure(path, _WIDTH, height) as (drawing, add_axes):
        axes = add_axes(_LEFT, _TOP, _WIDTH - _LEFT - _RIGHT, len(rows) * _ROW)
        for row, index in enumerate(rows):
            if index is None:
                _write_left_out(axes, row, num_left_out)
                continue
            _draw_row(axes, row, 100 * first[index], 100 * second[index])
            gain = f"{100 * gains[index]:+.1f}"
            # As wide as a plus.
            gain = gain.replace("-", "\N{MINUS SIGN}")
            _write(axes, row, _GAIN_COLUMN, gain)
            if num_segments is not None:
                _write(axes, row, _COUNT_COLUMN, f"{num_segments[index]:,}")
        _write(axes, -1, _GAIN_COLUMN, "gain, points")
        if num_segments is not None:
            _write(axes, -1, _COUNT_COLUMN, "segments")
        axes.set_yticks(
            [row for row, index in enumerate(rows) if index is not None],
            [
                shorten(class_names[index], 36)
                for index in rows
                if index is not None
            ],
        )
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        # A margin, so that marks at 0 are whole.
        right = 100 * np.nanmax(values[:, order])
        axes.set_xlim(-0.015 * right, max(1.03 * right, 1e-3))
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        axes.set_xlabel("average precision, %")
        _draw_legend(drawing, list(results))


def _check(results, class_names, num_segments):
    if len(results) != 2:
        raise ValueError(
            "`results` must be of two models. Received: "
            f"{len(results)}, {list(results)}"
        )
    num_classes = len(class_names)
    values = [np.asarray(value, "float64") for value in results.values()]
    for name, value in zip(results, values, strict=True):
        if value.shape != (num_classes,) or ((value < 0) | (value > 1)).any():
            raise ValueError(
                f"Results must be {num_classes} average precisions in the "
                "range [0, 1], one for each of `class_names`. Received: shape "
                f"{value.shape}, {value} for {name!r}"
            )
    values = np.stack(values)
    if not np.isfinite(values).all(0).any():
        raise ValueError(
            "`results` must hold a class with a value by both models. "
            "Received: none"
        )
    if num_segments is not None and len(num_segments) != num_classes:
        raise ValueError(
            f"`num_segments` must have one number per class, {num_classes}. "
            f"Received: {len(num_segments)}"
        )
    return values


def _draw_row(axes, row, first, second):
    color = _LOSS_COLOR if second < first else _GAIN_COLOR
    axes.plot(
        [first, second],
        [row, row],
        color=color,
        linewidth=3,
        alpha=0.45,
        solid_capstyle="butt",
        zorder=1,
    )
    axes.plot(first, row, zorder=2, **_FIRST_MARK)
    axes.plot(second, row, zorder=3, color=color, **_SECOND_MARK)


def _write(axes, row, column, text):
    """Writes a cell, whose right end is `column` inches right of the axes."""
    width = _WIDTH - _LEFT - _RIGHT
    axes.text(
        1 + column / width + 0.03,
        row,
        text,
        transform=axes.get_yaxis_transform(),
        horizontalalignment="right",
        verticalalignment="center",
        color="#444444" if row < 0 else "black",
    )


def _write_left_out(axes, row, count):
    axes.axhspan(row - 0.5, row + 0.5, color="#F0F0F0", zorder=0)
    axes.text(
        0.5,
        row,
        f"{count} more classes between these",
        transform=axes.get_yaxis_transform(),
        horizontalalignment="center",
        verticalalignment="center",
        color=_GREY,
    )


def _draw_legend(drawing, names):
    from matplotlib.lines import Line2D

    first, second = (shorten(name, 30) for name in names)
    drawing.legend(
        [
            Line2D([], [], linestyle="", **_FIRST_MARK),
            Line2D([], [], linestyle="", color=_GAIN_COLOR, **_SECOND_MARK),
            Line2D([], [], linestyle="", color=_LOSS_COLOR, **_SECOND_MARK),
        ],
        [first, f"{second}, gain", f"{second}, loss"],
        loc="upper right",
        ncols=3,
        frameon=False,
        borderaxespad=0.4,
    )
