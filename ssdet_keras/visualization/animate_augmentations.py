"""An animation of augmented clips and their labels."""

import textwrap

import numpy as np

from ssdet_keras.visualization.figures import check_rows
from ssdet_keras.visualization.figures import drawing_board
from ssdet_keras.visualization.figures import get_curve_lines
from ssdet_keras.visualization.figures import shorten
from ssdet_keras.visualization.write_animation import write_animation

_NUM_COLUMNS = 4
_DOTS_PER_INCH = 100
# In inches.
_TILE = 2.0
_GAP = 0.2
_TITLE = 0.55
_BAR = 0.22
_BOTTOM = 0.25


def animate_augmentations(path, rows, frames_per_second=6):
    """Plays clips side by side, each with the labels of the frame below it.

        Volume Freeze     Volume MixUp
        +-----------+     +-----------+
        |           |     |           |
        |  frame 5  |     |  frame 5  |
        |           |     |           |
        +-----------+     +-----------+
        background  1     jump    0.75
        jump        0     run     0.25

    Args:
        path: String or path-like. File to write, ending in `.gif` or `.mp4`.
        rows: List of tuples `(title, videos, curves)`, one for each tile, as
            in `draw_augmentations`. All clips have equally many frames.
        frames_per_second: Float. Defaults to `6`.

    Raises:
        ValueError: If `rows` is empty, an array has another shape or dtype,
            the clips have unequal numbers of frames, or an argument of
            `write_animation` is wrong.
        OSError: If the file can't be written.

    Example:

    ```python
    animate_augmentations(
        "freeze.gif", [("Volume Freeze", videos[0], {"jump": labels[0, :, 3]})]
    )
    ```
    """
    rows = check_rows(rows)
    lengths = [len(videos) for _, videos, _ in rows]
    if len(set(lengths)) > 1:
        raise ValueError(
            "All clips must have equally many frames. Received: "
            f"{lengths} frames"
        )
    num_columns = min(len(rows), _NUM_COLUMNS)
    num_lines = -(-len(rows) // num_columns)
    heights = [
        _TILE * videos.shape[1] / videos.shape[2] for _, videos, _ in rows
    ]
    num_bars = max(len(curves) for _, _, curves in rows)
    tile_height = _TITLE + max(heights) + num_bars * _BAR + _GAP
    width = _GAP + num_columns * (_TILE + _GAP)
    # Of an even number of pixels, as videos need.
    width = 2 * round(width * _DOTS_PER_INCH / 2) / _DOTS_PER_INCH
    height = num_lines * tile_height + _BOTTOM
    height = 2 * round(height * _DOTS_PER_INCH / 2) / _DOTS_PER_INCH
    lines = get_curve_lines(rows)

    frames = []
    with drawing_board(width, height) as (drawing, add_axes):
        drawing.set_dpi(_DOTS_PER_INCH)
        updates = []
        for index, (row, frame_height) in enumerate(
            zip(rows, heights, strict=True)
        ):
            line, column = divmod(index, num_columns)
            left = _GAP + column * (_TILE + _GAP)
            top = line * tile_height + _TITLE
            picture = add_axes(left, top, _TILE, frame_height)
            bars = add_axes(
                left, top + frame_height, _TILE, max(num_bars, 1) * _BAR
            )
            updates.append(_draw_tile(picture, bars, row, lines, num_bars))
        counter = drawing.text(
            0.5,
            0.08 / height,
            "",
            horizontalalignment="center",
            verticalalignment="bottom",
            color="#555555",
        )
        for index in range(lengths[0]):
            counter.set_text(f"frame {index} / {lengths[0] - 1}")
            for update in updates:
                update(index)
            drawing.canvas.draw()
            frames.append(np.array(drawing.canvas.buffer_rgba())[..., :3])
    write_animation(path, np.stack(frames), frames_per_second)


def _draw_tile(picture, axes, row, lines, num_bars):
    """Draws frame 0 of a tile. Returns a function that draws another one."""
    title, videos, curves = row
    image = picture.imshow(
        videos[0], aspect="auto", interpolation="antialiased"
    )
    picture.axis("off")
    name, _, detail = str(title).partition(": ")
    detail = textwrap.wrap(detail, 38)[:2]
    for index, text in enumerate([name, *detail]):
        picture.annotate(
            shorten(text, 38),
            (0, 1),
            (0, 30 - 10 * index),
            xycoords="axes fraction",
            textcoords="offset points",
            verticalalignment="top",
            fontsize=9 if index == 0 else 7.5,
            fontweight="bold" if index == 0 else "normal",
        )

    axes.set_xlim(0, 1)
    axes.set_ylim(max(num_bars, 1) - 0.5, -0.5)
    axes.axis("off")
    bars, values = [], []
    for index, (name, curve) in enumerate(curves.items()):
        color = lines[name]["color"]
        # All of the bar is pale, the label is full.
        axes.barh(index, 1, 0.72, color=color, alpha=0.12)
        bars += axes.barh(index, curve[0], 0.72, color=color, alpha=0.5)
        axes.text(0.02, index + 0.03, shorten(name, 26), va="center")
        values.append(
            axes.text(0.98, index + 0.03, "", va="center", ha="right")
        )

    def update(index):
        image.set_data(videos[index])
        for bar, text, curve in zip(bars, values, curves.values(), strict=True):
            bar.set_width(curve[index])
            text.set_text(f"{curve[index]:.2f}")

    return update
