"""Frame scores of videos."""

import collections.abc

import numpy as np

_DTYPES = ("float16", "float32", "float64")


class Predictions(collections.abc.Mapping):
    """The scores of every frame of videos, with their times and classes.

    A mapping of video id to scores, which every function of `evaluation`
    takes that takes a dict of arrays. Scores are probabilities, the sigmoid
    of logits, in the order of `class_names`. Protocols rank them, so that they
    evaluate other scores too, `-inf` ranking last.

    Row `i` shows the frame `offset + i * stride` of its video, at the time
    `(offset + i * stride) / fps`:

        frames of the video  0  1  2  3  4  5  6  7  8
        rows                    0        1        2     offset=1, stride=3

    Where `fps` is not known, the `T` rows of a video are taken to be at `i /
    T` of its duration.

    Args:
        scores: Mapping of video id to an array of floats of shape `(rows,
            classes)`, float16, float32 or float64. The arrays are not copied.
        class_names: Sequence of strings, or `None`. The name of each class.
        fps: Float, dict of video id to a float, or `None`. Frames per second
            of the videos, where they are known.
        stride: Float. Frames of the video from one row to the next. Defaults
            to `1`.
        offset: Float. Frame of the first row. Defaults to `0`.
        model: String or `None`. Name or path of the model.
        commit: String or `None`. The code that made the scores, as
            `ssdet_keras.version.get_commit()` tells it.

    Attributes:
        num_classes: Integer.
        class_names: List of strings, or `None`.
        fps: Dict of video id to a float, of the videos whose rate is known.
        stride: Float.
        offset: Float.
        model: String or `None`.
        commit: String or `None`.

    Raises:
        ValueError: If there are no videos, if an id is no text, if scores are
            of another shape or dtype, differ in the number of classes or hold
            NaN or `+inf`, if class names come twice or are too many or few,
            or if another argument is out of range.

    Example:

    ```python
    predictions = Predictions(
        {"YSKX3": scores}, class_names=names, fps={"YSKX3": 29.97}
    )
    predictions["YSKX3"]  # (rows, classes)
    predictions.times("YSKX3")  # (rows,), in seconds
    ```
    """

    def __init__(
        self,
        scores,
        class_names=None,
        fps=None,
        stride=1,
        offset=0,
        model=None,
        commit=None,
    ):
        self._scores = {
            video_id: np.asarray(rows) for video_id, rows in scores.items()
        }
        if not self._scores:
            raise ValueError(
                "Predictions must be of at least one video. Received: none"
            )
        first = next(iter(self._scores.values()))
        self.num_classes = first.shape[-1] if first.ndim else 0
        for video_id, rows in self._scores.items():
            check_text("A video id", video_id)
            if rows.dtype not in _DTYPES:
                raise ValueError(
                    f"Predictions must be one of {', '.join(_DTYPES)}. "
                    f"Received: dtype={rows.dtype} for video {video_id}"
                )
            check_scores(video_id, rows, self.num_classes)
        self.class_names = _check_class_names(class_names, self.num_classes)
        self.fps = _check_fps(fps, self._scores)
        if not 0 < stride < np.inf or not -np.inf < offset < np.inf:
            raise ValueError(
                "`stride` must be positive and `offset` finite. Received: "
                f"stride={stride}, offset={offset}"
            )
        self.stride, self.offset = float(stride), float(offset)
        for name, text in (("model", model), ("commit", commit)):
            if text is not None:
                check_text(f"`{name}`", text)
        self.model, self.commit = model, commit

    def __getitem__(self, video_id):
        return self._scores[video_id]

    def __iter__(self):
        return iter(self._scores)

    def __len__(self):
        return len(self._scores)

    def __repr__(self):
        return f"<Predictions: {len(self)} videos, {self.num_classes} classes>"

    def times(self, video_id, duration=None):
        """Returns the times of the rows of a video.

        Args:
            video_id: String.
            duration: Float or `None`. Length of the video in seconds, which
                must be given where `fps` is not known.

        Returns:
            Float64 array of shape `(rows,)`, in seconds.

        Raises:
            ValueError: If neither is known.
        """
        num_rows = len(self[video_id])
        if video_id in self.fps:
            frames = self.offset + np.arange(num_rows) * self.stride
            return frames / self.fps[video_id]
        if duration is None:
            raise ValueError(
                "`duration` must be given where the frame rate is not known. "
                f"Received: video_id={video_id!r}, duration=None"
            )
        return spread_times(num_rows, duration)


def spread_times(num_rows, duration):
    """Returns times of rows that are spread evenly over a video."""
    return np.arange(num_rows) / num_rows * duration


def check_text(what, text):
    """Raises an error if a value is no text that every file format holds."""
    try:
        is_text = bool(text.encode("utf-8")) and "\0" not in text
    except (AttributeError, UnicodeEncodeError):
        is_text = False
    if not is_text:
        raise ValueError(
            f"{what} must be a text of at least one character, without zero "
            f"bytes. Received: {text!r}"
        )


def check_scores(video_id, scores, num_classes):
    """Raises an error if scores of a video can't be ranked.

    Args:
        video_id: String, for errors.
        scores: Array.
        num_classes: Integer.
    """
    if scores.ndim != 2 or not scores.size or scores.shape[1] != num_classes:
        raise ValueError(
            "Predictions must have the shape `(rows, classes)` with "
            f"{num_classes} classes. Received: shape={scores.shape} for video "
            f"{video_id}"
        )
    # NaN is passed on by the maximum, -inf is a score like any other.
    largest = scores.max()
    if not largest < np.inf:
        raise ValueError(
            "Predictions must not hold NaN or +inf. Received: "
            f"{largest} for video {video_id}"
        )


def _check_class_names(class_names, num_classes):
    if class_names is None:
        return None
    names = list(class_names)
    for name in names:
        check_text("A class name", name)
    if len(names) != num_classes or len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(
            f"`class_names` must be {num_classes} different names. Received: "
            f"{len(names)} names" + (f", {twice[:3]} twice" if twice else "")
        )
    return names


def _check_fps(fps, scores):
    if not isinstance(fps, collections.abc.Mapping):
        fps = dict.fromkeys(scores, fps)
    rates = {}
    for video_id, rate in fps.items():
        if video_id not in scores:
            raise ValueError(
                "`fps` must be of the videos that have scores. Received: "
                f"video {video_id}"
            )
        if rate is None:
            continue
        if not 0 < rate < np.inf:
            raise ValueError(
                f"`fps` must be positive. Received: fps={rate} for video "
                f"{video_id}"
            )
        rates[video_id] = float(rate)
    return rates
