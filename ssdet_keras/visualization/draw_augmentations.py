"""A figure of augmented clips and their labels."""

import numpy as np

from ssdet_keras.visualization.figures import check_frames
from ssdet_keras.visualization.figures import figure
from ssdet_keras.visualization.figures import get_line
from ssdet_keras.visualization.figures import shorten

# In inches.
_WIDTH = 11.5
_LEFT = 0.65
_LEGEND = 2.45
_TITLE = 0.34
_CURVES = 0.8
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
            names have equal colours in all rows.
        max_frames: Integer. Of longer clips this many frames are shown,
            evenly spaced. Defaults to `16`.

    Raises:
        ValueError: If `rows` is empty or an array has another shape or dtype.

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
    rows = [_check_row(*row) for row in rows]
    if not rows or max_frames < 1:
        raise ValueError(
            "There must be at least one row and one frame. Received: "
            f"{len(rows)} rows, max_frames={max_frames}"
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
    names = list(dict.fromkeys(name for row in rows for name in row[2]))
    total = sum(heights) + len(rows) * (_TITLE + _GAP + _CURVES) + _BOTTOM
    total += 0.2 * (len(rows) - 1)

    with figure(path, _WIDTH, total) as (_, add_axes):
        top = 0.0
        for index, (title, videos, curves) in enumerate(rows):
            top += _TITLE
            strip = add_axes(_LEFT, top, width, heights[index])
            _draw_strip(strip, videos, max_frames)
            strip.set_title(
                shorten(title, 90), loc="left", fontsize=11, fontweight="bold"
            )
            top += heights[index] + _GAP
            axes = add_axes(_LEFT, top, width, _CURVES)
            _draw_curves(axes, curves, len(videos), names)
            top += _CURVES + 0.2
            if index == len(rows) - 1:
                axes.set_xlabel("frame")
            else:
                axes.set_xticklabels([])


def _check_row(title, videos, curves):
    videos = check_frames("videos", videos)
    curves = {str(name): np.asarray(curve) for name, curve in curves.items()}
    for name, curve in curves.items():
        if curve.shape != videos.shape[:1] or not np.isfinite(curve).all():
            raise ValueError(
                "A curve must be finite and have one value per frame, "
                f"{len(videos)}. Received: shape={curve.shape} of {name!r} in "
                f"{title!r}"
            )
    return title, videos, curves


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


def _draw_curves(axes, curves, num_frames, names):
    edges = np.arange(num_frames + 1) - 0.5
    for name, curve in curves.items():
        line = get_line(names.index(name))
        axes.stairs(
            curve, edges, baseline=0, fill=True, color=line["color"], alpha=0.12
        )
        axes.stairs(curve, edges, baseline=None, linewidth=2, **line)
    top = max([1.0, *(curve.max() for curve in curves.values())])
    axes.set_ylim(-0.06 * top, 1.06 * top)
    axes.set_xlim(-0.5, num_frames - 0.5)
    axes.set_ylabel("label")
    axes.set_xticks(range(0, num_frames, max(1, num_frames // 16)))
    axes.grid(axis="y", alpha=0.3)
    # Lines of the legend, as Matplotlib hides names with an underscore.
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linewidth=2, **get_line(names.index(name)))
        for name in curves
    ]
    if handles:
        axes.legend(
            handles,
            [shorten(name, 24) for name in curves],
            loc="upper left",
            bbox_to_anchor=(1.0, 1.1),
            frameon=False,
        )
