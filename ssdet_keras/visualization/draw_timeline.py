"""A figure of what is detected in a video, and when."""

import numpy as np

from ssdet_keras.visualization.figures import check_class_names
from ssdet_keras.visualization.figures import check_frames
from ssdet_keras.visualization.figures import check_scores
from ssdet_keras.visualization.figures import figure
from ssdet_keras.visualization.figures import get_line
from ssdet_keras.visualization.figures import shorten

_TRUTH_COLOR = "#E69F00"
# In inches.
_WIDTH = 11.0
_LEFT = 1.9
_RIGHT = 0.4
_TOP = 0.5
_LINKS = 0.3
_LANE = 0.52
_BOTTOM = 0.55
_MAX_FRAME_HEIGHT = 1.5


def draw_timeline(
    path,
    frames,
    frame_times,
    scores,
    truth,
    duration,
    class_names,
    max_classes=8,
):
    """Draws frames of a video and the scores of its classes over time.

    Each class has a lane with its score, from 0 at its bottom to 1 at its
    top, and a bar where it is annotated. The classes with most of both are
    shown, in the order in which they first are annotated or reach 0.5.

    Args:
        path: String or path-like. PNG file to write.
        frames: Uint8 array of shape `(shown, height, width, 3)`. A few
            frames, which are drawn on top. Or `None`.
        frame_times: Array of shape `(shown,)`. Time of each in seconds.
            `None` without frames.
        scores: Array of shape `(frames, classes)`, probabilities. Row `i` of
            `T` is at `i / T * duration`. Or a dict of the names of several
            models to such arrays, of one shape.
        truth: Array of the shape of `scores`, of zeros and ones, or `None` if
            the video is not annotated.
        duration: Float. Duration of the video in seconds.
        class_names: Sequence of strings.
        max_classes: Integer. Most classes to show. Defaults to `8`.

    Raises:
        ValueError: If an array has another shape or dtype, or a score or time
            is out of range.

    Example:

    ```python
    draw_timeline(
        "timeline.png",
        frames=video.read([0, 120, 240]),
        frame_times=[0.0, 5.0, 10.0],
        scores=scores,
        truth=None,
        duration=12.0,
        class_names=["walk", "sit down"],
    )
    ```
    """
    if frames is None:
        frame_times = np.empty(0)
    else:
        frames = check_frames("frames", frames)
        frame_times = np.asarray(frame_times, "float64")
    runs = scores if isinstance(scores, dict) else {"": scores}
    runs = {name: np.asarray(value) for name, value in runs.items()}
    truth = None if truth is None else np.asarray(truth)
    _check(frames, frame_times, runs, truth, duration, class_names)
    if max_classes < 1:
        raise ValueError(
            "`max_classes` must be at least 1. Received: "
            f"max_classes={max_classes}"
        )
    mean = np.mean(list(runs.values()), axis=0)
    classes = _choose_classes(mean, truth, max_classes)

    width = _WIDTH - _LEFT - _RIGHT
    lanes_top = _TOP
    if frames is not None:
        cell = width / len(frames)
        ratio = frames.shape[1] / frames.shape[2]
        frame_height = min(0.96 * cell * ratio, _MAX_FRAME_HEIGHT)
        lanes_top += frame_height + _LINKS
    height = lanes_top + len(classes) * _LANE + _BOTTOM

    with figure(path, _WIDTH, height) as (drawing, add_axes):
        if frames is not None:
            _draw_frames(add_axes, frames, frame_times, cell, frame_height)
            links = add_axes(_LEFT, _TOP + frame_height, width, _LINKS)
            _draw_links(links, frame_times, duration)
        for lane, class_index in enumerate(classes):
            axes = add_axes(
                _LEFT, lanes_top + lane * _LANE, width, 0.86 * _LANE
            )
            _draw_lane(
                axes,
                [scores[:, class_index] for scores in runs.values()],
                None if truth is None else truth[:, class_index],
                duration,
                frame_times,
            )
            axes.set_ylabel(
                shorten(class_names[class_index], 26),
                rotation=0,
                horizontalalignment="right",
                verticalalignment="center",
            )
            if lane < len(classes) - 1:
                axes.set_xticklabels([])
        axes.set_xlabel("time in seconds")
        _draw_legend(drawing, list(runs), truth is not None)


def _check(frames, frame_times, runs, truth, duration, class_names):
    if not 0 < duration < np.inf:
        raise ValueError(
            f"`duration` must be positive. Received: duration={duration}"
        )
    num_shown = 0 if frames is None else len(frames)
    if (
        frame_times.shape != (num_shown,)
        or not ((frame_times >= 0) & (frame_times <= duration)).all()
    ):
        raise ValueError(
            "`frame_times` must have one time per frame, "
            f"{num_shown}, in the range [0, {duration}]. Received: "
            f"frame_times={frame_times}"
        )
    if not runs:
        raise ValueError(
            "`scores` must be of at least one model. Received: none"
        )
    for scores in runs.values():
        check_scores(scores)
    shapes = {scores.shape for scores in runs.values()}
    if len(shapes) > 1:
        raise ValueError(
            "`scores` of several models must have one shape. Received: "
            f"{sorted(shapes)}"
        )
    if truth is not None and truth.shape != scores.shape:
        raise ValueError(
            f"`truth` must have the shape of `scores`, {scores.shape}. "
            f"Received: truth.shape={truth.shape}"
        )
    check_class_names(class_names, scores.shape[1])


def _choose_classes(scores, truth, max_classes):
    activity = scores if truth is None else scores + truth
    chosen = np.argsort(-activity.mean(0), kind="stable")[:max_classes]
    is_active = activity >= 0.5
    # Classes that are never active come last.
    first = np.where(is_active.any(0), is_active.argmax(0), len(scores))
    return sorted(chosen, key=lambda index: (first[index], index))


def _draw_frames(add_axes, frames, times, cell, height):
    frame_width = height * frames.shape[2] / frames.shape[1]
    for index, frame in enumerate(frames):
        left = _LEFT + (index + 0.5) * cell - frame_width / 2
        axes = add_axes(left, _TOP, frame_width, height)
        axes.imshow(frame, aspect="auto", interpolation="antialiased")
        axes.set_title(f"{times[index]:.1f} s", fontsize=9, pad=3)
        axes.axis("off")


def _draw_links(axes, frame_times, duration):
    num_frames = len(frame_times)
    for index, time in enumerate(frame_times):
        middle = (index + 0.5) / num_frames * duration
        axes.plot([middle, time], [1, 0], color="#777777", linewidth=0.8)
    axes.set_xlim(0, duration)
    axes.set_ylim(0, 1)
    axes.axis("off")


def _draw_lane(axes, curves, truth, duration, frame_times):
    num_frames = len(curves[0])
    edges = np.arange(num_frames + 1) / num_frames * duration
    axes.axhline(0.5, color="#BBBBBB", linewidth=0.7, linestyle=(0, (4, 3)))
    axes.vlines(frame_times, -0.42, 1, color="#DDDDDD", linewidth=0.7)
    for index, scores in enumerate(curves):
        line = get_line(index)
        if len(curves) == 1:
            axes.stairs(
                scores, edges, fill=True, color=line["color"], alpha=0.25
            )
        axes.stairs(scores, edges, baseline=None, linewidth=1.3, **line)
    if truth is not None:
        change = np.diff(np.pad(truth > 0.5, 1).astype("int8"))
        starts = edges[np.flatnonzero(change == 1)]
        ends = edges[np.flatnonzero(change == -1)]
        # Below the scores, with a dark edge that does without colours.
        axes.broken_barh(
            list(zip(starts, ends - starts, strict=True)),
            (-0.36, 0.26),
            facecolor=_TRUTH_COLOR,
            edgecolor="#5F4200",
            linewidth=0.7,
        )
    axes.set_xlim(0, duration)
    axes.set_ylim(-0.42, 1.02)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="x", length=3)


def _draw_legend(drawing, names, has_truth):
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    color = get_line(0)["color"]
    handles = [Patch(facecolor=color + "40", edgecolor=color)]
    labels = ["score, from 0 to 1"]
    if len(names) > 1:
        handles = [Line2D([], [], **get_line(i)) for i in range(len(names))]
        length = 80 // len(names)
        labels = [f"score of {shorten(name, length)}" for name in names]
    handles.append(
        Line2D([], [], color="#BBBBBB", linestyle=(0, (4, 3)), linewidth=1)
    )
    labels.append("score 0.5, of 0 to 1" if len(names) > 1 else "score 0.5")
    if has_truth:
        handles.insert(0, Patch(facecolor=_TRUTH_COLOR, edgecolor="#5F4200"))
        labels.insert(0, "ground truth")
    drawing.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(_LEFT / _WIDTH, 1.0),
        ncols=len(labels),
        frameon=False,
        borderaxespad=0.1,
    )
