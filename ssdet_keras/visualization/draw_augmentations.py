"""A figure of augmented clips and their labels."""

import numpy as np

from ssdet_keras.visualization.figures import check_rows
from ssdet_keras.visualization.figures import figure
from ssdet_keras.visualization.figures import get_curve_lines
from ssdet_keras.visualization.figures import shorten

# In inches.
_WIDTH = 13.0
_LEFT = 0.6
_LEGEND = 2.2
_TITLE = 0.34
_CURVES = 0.6
_GAP = 0.06
_BOTTOM = 0.55
_MAX_FRAME_HEIGHT = 1.6


def draw_augmentations(path, rows, max_frames=16):
    """Draws clips as strips of frames, each with its label curves below.

    The frames and the curves share their axis: what a frame shows is above
    its labels.

        Volume Freeze
        [ 0 ][ 1 ][ 2 ][ 2 ][ 2 ][ 3 ]
        1 ___________             _____  "jump"
        0            |___________|

    Args:
        path: String or path-like. PNG file to write.
        rows: List of tuples `(title, videos, curves)`: a string, a uint8
            array of shape `(frames, height, width, 3)`, and a dict of a name
            to an array of shape `(frames,)`, the label of each frame. Equal
            names have equal lines in all rows; that of `"background"` is
            grey. What follows a colon in a title is an explanation.
        max_frames: Integer. Of longer clips this many frames are shown,
            evenly spaced. Defaults to `16`.

    Raises:
        ValueError: If `rows` is empty, an array has another shape or dtype, or
            `max_frames` is below 1.

    Example:

    ```python
    draw_augmentations(
        "freeze.png", [("Volume Freeze", videos[0], {"jump": labels[0, :, 3]})]
    )
    ```

    Reference:
        [Kahatapitiya et al., 2023](https://arxiv.org/abs/2111.13675), Figure
        3.
    """
    rows = check_rows(rows)
    if max_frames < 1:
        raise ValueError(
            "`max_frames` must be at least 1. Received: "
            f"max_frames={max_frames}"
        )
    width = _WIDTH - _LEFT - _LEGEND
    heights = [
        min(
            width
            / min(len(videos), max_frames)
            * np.divide(*videos.shape[1:3]),
            _MAX_FRAME_HEIGHT,
        )
        for _, videos, _ in rows
    ]
    lines = get_curve_lines(rows)
    total = sum(heights) + len(rows) * (_TITLE + _GAP + _CURVES) + _BOTTOM
    total += 0.2 * (len(rows) - 1)

    with figure(path, _WIDTH, total) as (_, add_axes):
        top = 0.0
        for index, (title, videos, curves) in enumerate(rows):
            top += _TITLE
            strip = add_axes(_LEFT, top, width, heights[index])
            _draw_strip(strip, videos, max_frames)
            _draw_title(strip, title)
            top += heights[index] + _GAP
            axes = add_axes(_LEFT, top, width, _CURVES)
            _draw_curves(axes, curves, len(videos), lines)
            top += _CURVES + 0.2
            if index == len(rows) - 1:
                axes.set_xlabel("frame")
            else:
                axes.set_xticklabels([])


def _draw_title(axes, title):
    name, _, detail = title.partition(": ")
    name = axes.set_title(
        shorten(name, 60), loc="left", fontsize=11, fontweight="bold"
    )
    axes.annotate(
        shorten(detail, 90),
        (1, 0),
        (8, 0),
        xycoords=name,
        textcoords="offset points",
        va="bottom",
        fontsize=10,
    )


def _draw_strip(axes, videos, max_frames):
    num_frames, height = videos.shape[:2]
    count = min(num_frames, max_frames)
    shown = ((np.arange(count) + 0.5) * num_frames / count).astype(int)
    edges = np.arange(count + 1) * num_frames / count - 0.5
    # A white line between frames, a fortieth of their width.
    margin = (edges[1] - edges[0]) / 80
    for frame, left, right in zip(
        videos[shown], edges[:-1], edges[1:], strict=True
    ):
        axes.imshow(
            frame,
            extent=(left + margin, right - margin, height, 0),
            aspect="auto",
            interpolation="antialiased",
        )
    axes.set_xlim(-0.5, num_frames - 0.5)
    axes.axis("off")


def _draw_curves(axes, curves, num_frames, lines):
    edges = np.arange(num_frames + 1) - 0.5
    for name, curve in curves.items():
        color = lines[name]["color"]
        axes.stairs(
            curve, edges, baseline=0, fill=True, color=color, alpha=0.12
        )
        axes.stairs(curve, edges, baseline=None, linewidth=2, **lines[name])
    top = max([1.0, *(curve.max() for curve in curves.values())])
    axes.set_ylim(-0.06 * top, 1.06 * top)
    axes.set_xlim(-0.5, num_frames - 0.5)
    axes.set_ylabel("label")
    axes.set_xticks(range(0, num_frames, max(1, num_frames // 16)))
    axes.grid(axis="y", alpha=0.3)
    # Lines of the legend, as Matplotlib hides names with an underscore.
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], linewidth=2, **lines[name]) for name in curves]
    if handles:
        axes.legend(
            handles,
            [shorten(name, 24) for name in curves],
            loc="upper left",
            bbox_to_anchor=(1.0, 1.1),
            frameon=False,
        )
