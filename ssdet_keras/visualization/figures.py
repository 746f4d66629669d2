"""What the figures have in common."""

import contextlib

import numpy as np

# Okabe and Ito's colours without yellow, which is faint on white. They stay
# apart under all common colour vision deficiencies.
# https://jfly.uni-koeln.de/color/
COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
    "#000000",
)
# Colours repeat after these; the line style tells the next ones apart.
LINE_STYLES = ("-", "--", ":", "-.")
# Curves of activities, and of what is none.
_CURVE_STYLES = ("-", "--", "-.")
_BACKGROUND = "background"
_BACKGROUND_LINE = {"color": "#767676", "linestyle": ":"}
_DOTS_PER_INCH = 150


@contextlib.contextmanager
def figure(path, width, height):
    """Yields a figure that is saved as a PNG file at the end.

    Args:
        path: String or path-like. File to write.
        width: Float. Width in inches.
        height: Float. Height in inches.

    Yields:
        What `drawing_board` yields.
    """
    with drawing_board(width, height) as (drawing, add_axes):
        yield drawing, add_axes
        drawing.savefig(path, dpi=_DOTS_PER_INCH, format="png")


@contextlib.contextmanager
def drawing_board(width, height):
    """Yields an empty figure.

    Does not use `pyplot`: no window, no global state, any thread.

    Args:
        width: Float. Width in inches.
        height: Float. Height in inches.

    Yields:
        A `matplotlib.figure.Figure`, and a function that adds axes at
        `(left, top, width, height)` in inches from the top left corner.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = {
        "axes.spines.right": False,
        "axes.spines.top": False,
        "font.size": 9,
        # Names may hold dollar signs.
        "text.parse_math": False,
    }
    with matplotlib.rc_context(style):
        drawing = Figure(figsize=(width, height), facecolor="white")
        FigureCanvasAgg(drawing)

        def add_axes(left, top, axes_width, axes_height):
            bottom = height - top - axes_height
            return drawing.add_axes(
                (
                    left / width,
                    bottom / height,
                    axes_width / width,
                    axes_height / height,
                )
            )

        yield drawing, add_axes


def get_line(index):
    """Returns the colour and line style of the curve of an index."""
    style = LINE_STYLES[index // len(COLORS) % len(LINE_STYLES)]
    return {"color": COLORS[index % len(COLORS)], "linestyle": style}


def get_curve_lines(rows):
    """Returns the line of every name in the curves of rows.

    Activities differ in colour and in style, so that curves that coincide can
    both be seen. The background is grey.
    """
    names = dict.fromkeys(name for row in rows for name in row[2])
    activities = [name for name in names if name != _BACKGROUND]
    lines = {_BACKGROUND: _BACKGROUND_LINE}
    for index, name in enumerate(activities):
        style = _CURVE_STYLES[index % len(_CURVE_STYLES)]
        lines[name] = {**get_line(index), "linestyle": style}
    return lines


def shorten(name, max_length):
    """Shortens a name to fit into a figure."""
    name = " ".join(str(name).split())
    if len(name) <= max_length:
        return name
    return name[: max_length - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def check_frames(name, frames):
    """Returns frames as an array, or raises an error that names them."""
    frames = np.asarray(frames)
    if (
        frames.ndim != 4
        or frames.shape[-1] != 3
        or not frames.size
        or frames.dtype != np.uint8
    ):
        raise ValueError(
            f"`{name}` must be uint8 of shape `(frames, height, width, 3)`. "
            f"Received: shape={frames.shape}, dtype={frames.dtype}"
        )
    return frames


def check_scores(scores):
    """Raises an error unless an array is of probabilities of frames."""
    if scores.ndim != 2 or scores.size == 0:
        raise ValueError(
            "`scores` must have the shape `(frames, classes)`. Received: "
            f"scores.shape={scores.shape}"
        )
    check_probabilities(scores)


def check_probabilities(scores):
    """Raises an error unless all values of an array are in `[0, 1]`."""
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError(
            "`scores` must be probabilities, in the range [0, 1], without "
            f"NaN. Received: scores from {scores.min()} to {scores.max()}"
        )


def check_class_names(class_names, num_classes):
    """Raises an error unless there is a name for each class."""
    if len(class_names) != num_classes:
        raise ValueError(
            f"`class_names` must name {num_classes} classes. Received: "
            f"{len(class_names)} names"
        )


def check_rows(rows):
    """Returns rows of clips and their curves as arrays, or raises an error.

    Args:
        rows: List of tuples `(title, videos, curves)`: a string, a uint8
            array of shape `(frames, height, width, 3)`, and a dict of a name
            to an array of shape `(frames,)`.
    """
    if not rows:
        raise ValueError("There must be at least one row. Received: 0 rows")
    return [_check_row(*row) for row in rows]


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
