"""Scores on a frame."""

import numpy as np

from ssdet_keras.visualization.figures import check_frames

# Of a row, in pixels.
_HEIGHT = 30
_MARGIN = 8
_BAR_COLOR = (0, 114, 178)
_BACKGROUND_COLOR = (90, 90, 90)
_TEXT_COLOR = (255, 255, 255)
# Share of what is behind the rows that shines through.
_TRANSPARENCY = 0.35


def draw_overlay(frame, names, scores):
    """Draws scores over the top of a frame, for pictures that change live.

    Each class has a row, with a bar as long as its score, and its name and
    score on it. Rows that do not fit into the frame are left out.

    Args:
        frame: Uint8 array of shape `(height, width, 3)`, RGB.
        names: Sequence of strings. OpenCV before 5 shows question marks for
            characters that are not ASCII.
        scores: Array of shape `(len(names),)`, probabilities.

    Returns:
        A uint8 array of the shape of `frame`. The frame is not changed.

    Raises:
        ValueError: If the frame has another shape or dtype, there are not as
            many scores as names, or a score is out of range.

    Example:

    ```python
    picture = draw_overlay(frame, ["Walking", "Sitting"], [0.9, 0.3])
    ```
    """
    import cv2

    check_frames("frame", np.asarray(frame)[None])
    scores = np.asarray(scores, "float64")
    if (
        scores.shape != (len(names),)
        or not ((scores >= 0) & (scores <= 1)).all()
    ):
        raise ValueError(
            f"`scores` must be {len(names)} probabilities, one for each name. "
            f"Received: scores={scores}"
        )
    picture = np.array(frame)
    width = picture.shape[1]
    num_rows = min(len(names), picture.shape[0] // _HEIGHT)
    for row in range(num_rows):
        rows = picture[row * _HEIGHT : (row + 1) * _HEIGHT - 2]
        length = round(scores[row] * width)
        colors = np.full((width, 3), _BACKGROUND_COLOR)
        colors[:length] = _BAR_COLOR
        rows[:] = _TRANSPARENCY * rows + (1 - _TRANSPARENCY) * colors
        cv2.putText(
            picture,
            f"{scores[row]:.2f}  {names[row]}",
            (_MARGIN, (row + 1) * _HEIGHT - 10),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.55,
            _TEXT_COLOR,
            1,
            cv2.LINE_AA,
        )
    return picture
