"""Frames of a video with the scores below."""

import numpy as np

from ssdet_keras.visualization.figures import check_frames
from ssdet_keras.visualization.figures import check_probabilities
from ssdet_keras.visualization.find_font import find_font

# In pixels.
_MIN_WIDTH = 480
_MAX_SIDE = 1280
# Two colours of Okabe and Ito, and greys, which differ in lightness too.
_PANEL = (26, 26, 26)
_TRACK = (64, 64, 64)
_INACTIVE = (138, 138, 138)
_ACTIVE = (86, 180, 233)
_THRESHOLD = (230, 159, 0)
_TEXT = (255, 255, 255)
# Where the columns begin and end, as shares of the width.
_NAME = 0.045
_BAR = 0.42
_BAR_END = 0.89


def annotate_frames(
    frames, scores, fps, class_names, threshold=0.5, max_classes=5
):
    """Puts the time and the highest scores below every frame of a video.

        +---------------------------------+
        |              frame              |
        +---------------------------------+
        | 0:12.3 / 1:04.0                 |
        | # walk         =======|=  0.87  |    # reaches the threshold,
        |   carry a bag  ====   |   0.41  |    which is marked in the bars
        +---------------------------------+

    Once per second the classes with the highest mean scores of that second
    are chosen, so that they can be read; bars and numbers change with every
    frame. Small frames are enlarged to a width of 480 pixels, and large ones
    reduced to sides of at most 1280, so that the text can be read. Colours are
    told apart under all common colour vision deficiencies.

    Args:
        frames: Iterable of uint8 arrays of shape `(height, width, 3)`, RGB, all
            of one size, one for each row of `scores`. One is in memory at a
            time.
        scores: Array of shape `(frames, classes)`, probabilities.
        fps: Float. Frames per second.
        class_names: Sequence of strings, in any script that an installed font
            has.
        threshold: Float. Score at which a class counts as active. Defaults
            to `0.5`.
        max_classes: Integer. Most classes to show. Defaults to `5`.

    Returns:
        An iterator of uint8 arrays of one even height and width.

    Raises:
        ValueError: If `scores` or a frame has another shape, there are more or
            fewer frames than scores, or another argument is out of range.

    Example:

    ```python
    frames = annotate_frames(
        frames, detections.scores, detections.fps, detections.class_names
    )
    ssdet_keras.data.write_video("annotated.mp4", frames, detections.fps)
    ```
    """
    scores = np.asarray(scores)
    if scores.ndim != 2 or scores.shape[1] != len(class_names):
        raise ValueError(
            f"`scores` must have the shape `(frames, {len(class_names)})`, "
            "with one column for each name. Received: "
            f"scores.shape={scores.shape}"
        )
    check_probabilities(scores)
    if not 0 < fps < np.inf:
        raise ValueError(f"`fps` must be positive. Received: fps={fps}")
    if not 0 <= threshold <= 1 or max_classes < 1:
        raise ValueError(
            "`threshold` must be in the range [0, 1] and `max_classes` at "
            f"least 1. Received: threshold={threshold}, "
            f"max_classes={max_classes}"
        )
    num_rows = min(max_classes, len(class_names))
    return _annotate(frames, scores, fps, class_names, threshold, num_rows)


def _annotate(frames, scores, fps, class_names, threshold, num_rows):
    second = max(1, round(fps))
    duration = len(scores) / fps
    panel, index = None, -1
    for index, frame in enumerate(frames):
        if index >= len(scores):
            break
        check_frames("frames", np.asarray(frame)[None])
        if index == 0:
            shape = frame.shape
            width, top, left, size = _place(*shape[:2])
            panel = _Panel(width, num_rows, threshold)
            canvas_height = top + panel.height
        if frame.shape != shape:
            raise ValueError(
                "`frames` must be of one size. Received: shapes "
                f"{frame.shape} and {shape}"
            )
        if index % second == 0:
            mean = scores[index : index + second].mean(0)
            classes = np.argsort(-mean, kind="stable")[:num_rows]
            panel.set_names([str(class_names[i]) for i in classes])
        canvas = np.zeros((canvas_height, width, 3), "uint8")
        canvas[: size[0], left : left + size[1]] = _resize(frame, size)
        canvas[top:] = panel.draw(index / fps, duration, scores[index, classes])
        yield canvas
    if index + 1 != len(scores):
        raise ValueError(
            "`frames` must be as many as the rows of `scores`. Received: "
            f"{len(scores)} rows, and "
            f"{'more' if index >= len(scores) else index + 1} frames"
        )


def _place(height, width):
    """Returns the width, the top of the panel, the left edge and the size."""
    scale = min(max(1.0, _MIN_WIDTH / width), _MAX_SIDE / max(height, width))
    size = tuple(max(1, round(scale * side)) for side in (height, width))
    canvas_width = max(_MIN_WIDTH, size[1] + size[1] % 2)
    return (
        canvas_width,
        size[0] + size[0] % 2,
        (canvas_width - size[1]) // 2,
        size,
    )


def _resize(frame, size):
    import cv2

    if frame.shape[:2] == size:
        return frame
    is_smaller = size[0] < frame.shape[0]
    interpolation = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    return cv2.resize(frame, size[::-1], interpolation=interpolation)


class _Panel:
    """The part below the frames."""

    def __init__(self, width, num_rows, threshold):
        # Even.
        self._row = 2 * round(7 + width / 120)
        self._width = width
        self._num_rows = num_rows
        self._threshold = threshold
        # One row for the time, and half of one below.
        self.height = self._row * (num_rows + 1) + self._row // 2
        self.height += self.height % 2
        self._names = None

    def set_names(self, names):
        """Draws what stays for a while."""
        from PIL import Image
        from PIL import ImageDraw

        image = Image.new("RGB", (self._width, self.height), _PANEL)
        draw = ImageDraw.Draw(image)
        for row, name in enumerate(names):
            self._draw_name(draw, row, name)
        self._names = np.asarray(image)

    def draw(self, time, duration, scores):
        """Returns the panel of one frame."""
        from PIL import Image
        from PIL import ImageDraw

        panel = self._names.copy()
        # How much of the video is over, along the top.
        panel[
            : max(2, self._row // 8), : round(time / duration * self._width)
        ] = _TEXT
        for row, score in enumerate(scores):
            self._draw_bar(panel, row, score)
        image = Image.fromarray(panel)
        draw = ImageDraw.Draw(image)
        font = self._load_font("")
        text = f"{_format_time(time)} / {_format_time(duration)}"
        x = round(_NAME * self._width)
        draw.text((x, self._middle(-1)), text, _TEXT, font, anchor="lm")
        for row, score in enumerate(scores):
            x = round((_BAR_END + 0.015) * self._width)
            draw.text(
                (x, self._middle(row)), f"{score:.2f}", _TEXT, font, anchor="lm"
            )
        return np.asarray(image)

    def _draw_name(self, draw, row, name):
        name = " ".join(name.split())
        font = self._load_font(name)
        x = round(_NAME * self._width)
        room = round((_BAR - 0.02) * self._width) - x
        shown = name
        while draw.textlength(shown, font) > room:
            name = name[:-1].rstrip()
            shown = name + "\N{HORIZONTAL ELLIPSIS}"
        draw.text((x, self._middle(row)), shown, _TEXT, font, anchor="lm")

    def _draw_bar(self, panel, row, score):
        is_active = score >= self._threshold
        color = _ACTIVE if is_active else _INACTIVE
        left, right = (round(x * self._width) for x in (_BAR, _BAR_END))
        middle, half = self._middle(row), self._row // 4
        rows = slice(middle - half, middle + half)
        panel[rows, left:right] = _TRACK
        panel[rows, left : left + round(score * (right - left))] = color
        mark = left + round(self._threshold * (right - left))
        panel[middle - half - 2 : middle + half + 2, mark - 1 : mark + 1] = (
            _THRESHOLD
        )
        if is_active:
            x = round(0.015 * self._width)
            panel[rows, x : x + 2 * half] = color

    def _middle(self, row):
        return (row + 1) * self._row + self._row // 2 + self._row // 8

    def _load_font(self, text):
        from PIL import ImageFont

        return ImageFont.truetype(find_font(text), round(0.66 * self._row))


def _format_time(seconds):
    tenths = round(10 * seconds)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{tenths // 10:02d}.{tenths % 10}"
