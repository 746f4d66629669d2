"""Predictions matched with annotations."""

import warnings

import numpy as np

from ssdet_keras.evaluation.average_precision import average_precision
from ssdet_keras.evaluation.check_same_classes import check_same_classes
from ssdet_keras.evaluation.check_videos import check_videos
from ssdet_keras.evaluation.check_videos import name_some
from ssdet_keras.evaluation.interpolate_scores import interpolate_scores
from ssdet_keras.evaluation.interpolate_scores import sample_uniformly
from ssdet_keras.evaluation.predictions import Predictions
from ssdet_keras.evaluation.predictions import check_scores
from ssdet_keras.evaluation.predictions import spread_times

# Scores are gathered for this many classes at a time, which bounds the copy.
_CLASSES_PER_BLOCK = 16


class VideoScores:
    """Frame scores of annotated videos.

    The rows of a video are at the times that its prediction tells, or where
    that knows no frame rate, row `i` of `T` at `i / T * duration`. A video of
    `annotations` without a prediction scores `-inf`, and one of `predictions`
    that is not annotated is ignored; both with a warning.

    Args:
        predictions: `Predictions`, or a dict of video id to an array of shape
            `(frames, classes)`. Videos may differ in their number of frames.
        annotations: Sequence of records with `id`, `duration` in seconds and
            `segments`, tuples `(class_index, start, end)`. Its `class_names`,
            where present, set the number of classes. A duration that is not
            known is that of the prediction, where this knows the frame rate.

    Attributes:
        scores: List of one array `(frames, classes)` per annotated video.
        durations: List of one float per annotated video, in seconds.
        class_names: List of strings, or `None`.
        num_classes: Integer.

    Raises:
        ValueError: If `predictions` or `annotations` is empty or they share
            no video, if a prediction has another shape or holds NaN or
            `+inf`, if an annotation has no duration or an unknown class, or
            if both name their classes, in another order.
    """

    def __init__(self, predictions, annotations):
        records = list(annotations)
        check_videos("predictions", "predicted", predictions, records)
        _warn_of_missing(predictions, records)
        scores = [
            np.asarray(predictions[record.id])
            if record.id in predictions
            else None
            for record in records
        ]
        class_names = getattr(annotations, "class_names", None)
        self.class_names = None if class_names is None else list(class_names)
        if self.class_names is not None:
            self.num_classes = len(self.class_names)
        else:
            first = next(rows for rows in scores if rows is not None)
            self.num_classes = first.shape[-1] if first.ndim else 0
        for record, rows in zip(records, scores, strict=True):
            if rows is not None:
                check_scores(record.id, rows, self.num_classes)
            _check_record(record, self.num_classes)
        self._times = [_get_times(predictions, record.id) for record in records]
        if isinstance(predictions, Predictions):
            check_same_classes(
                {
                    "the predictions": predictions.class_names,
                    "the annotations": self.class_names,
                }
            )
        self.durations = [
            _get_duration(record, times)
            for record, times in zip(records, self._times, strict=True)
        ]
        self.scores = self._fill_missing(scores)
        self._segments = [record.segments for record in records]

    def times(self, index):
        """Returns the times of the rows of a video, in seconds."""
        times = self._times[index]
        if times is None:
            times = spread_times(len(self.scores[index]), self.durations[index])
        return times

    def sample(self, index, num_samples):
        """Interpolates the scores of a video at evenly spaced times.

        Args:
            index: Integer. Number of the video.
            num_samples: Integer.

        Returns:
            A pair `(scores, times)` of arrays of shapes `(num_samples,
            classes)` and `(num_samples,)`. Sample `j` is at `j / num_samples`
            of the duration.
        """
        scores, row_times = self.scores[index], self._times[index]
        times = spread_times(num_samples, self.durations[index])
        if row_times is None:
            return sample_uniformly(scores, num_samples), times
        return interpolate_scores(scores, row_times, times), times

    def labels(self, index):
        """Returns what the rows of a video show.

        Args:
            index: Integer, of the annotated videos.

        Returns:
            Boolean array of shape `(frames, classes)`. A row at time `t`
            shows a class if `start < t < end`.
        """
        times = self.times(index)
        labels = np.zeros((len(times), self.num_classes), bool)
        for class_index, start, end in self._segments[index]:
            rows = _find_rows(times, start, end, inclusive=False)
            labels[rows, class_index] = True
        return labels

    def rank(self, samples, inclusive, balance=None):
        """Ranks sampled rows of all videos, class by class.

        Args:
            samples: List of one pair `(scores, times)` per video, of shapes
                `(rows, classes)` and `(rows,)`, the times ascending.
            inclusive: Boolean. Whether the times at which a segment starts
                and ends are positive.
            balance: See `average_precision`.

        Returns:
            Two arrays of shape `(classes,)`: the average precision and the
            number of positives of each class.
        """
        offsets = np.cumsum([0] + [len(times) for _, times in samples])
        positives = [[] for _ in range(self.num_classes)]
        for offset, (_, times), segments in zip(
            offsets[:-1], samples, self._segments, strict=True
        ):
            for class_index, start, end in segments:
                rows = _find_rows(times, start, end, inclusive)
                positives[class_index].append(
                    slice(offset + rows.start, offset + rows.stop)
                )

        per_class = np.empty(self.num_classes)
        num_positives = np.empty(self.num_classes)
        for first in range(0, self.num_classes, _CLASSES_PER_BLOCK):
            block = slice(first, first + _CLASSES_PER_BLOCK)
            scores = np.concatenate([rows[:, block] for rows, _ in samples])
            labels = np.zeros(scores.shape, bool)
            for column, rows in enumerate(positives[block]):
                for row in rows:
                    labels[row, column] = True
            per_class[block] = average_precision(scores, labels, balance)
            num_positives[block] = labels.sum(0)
        return per_class, num_positives

    def _fill_missing(self, scores):
        # A missing video gets as many rows as the others have, or where
        # those differ as many per second.
        known = [index for index, rows in enumerate(scores) if rows is not None]
        counts = {len(scores[index]) for index in known}
        rate = sum(len(scores[index]) for index in known) / sum(
            self.durations[index] for index in known
        )
        for index, rows in enumerate(scores):
            if rows is None:
                count = max(1, round(rate * self.durations[index]))
                count = count if len(counts) > 1 else next(iter(counts))
                # A view of one number, which takes no memory.
                scores[index] = np.broadcast_to(
                    np.float32(-np.inf), (count, self.num_classes)
                )
        return scores


def _warn_of_missing(predictions, records):
    missing = [record.id for record in records if record.id not in predictions]
    if missing:
        warnings.warn(
            f"{len(missing)} of {len(records)} annotated videos have no "
            f"prediction and score -inf: {name_some(missing)}",
            stacklevel=4,
        )


def _check_record(record, num_classes):
    for segment in record.segments:
        if not 0 <= segment[0] < num_classes:
            raise ValueError(
                f"Class indices must be in the range [0, {num_classes}). "
                f"Received: segment={tuple(segment)} of video {record.id}"
            )


def _find_rows(times, start, end, inclusive):
    """Returns the rows between two times, a slice."""
    sides = ("left", "right") if inclusive else ("right", "left")
    return slice(
        np.searchsorted(times, start, sides[0]),
        np.searchsorted(times, end, sides[1]),
    )


def _get_times(predictions, video_id):
    """Returns the times that are known, or `None`."""
    if not isinstance(predictions, Predictions):
        return None
    return predictions.times(video_id) if video_id in predictions.fps else None


def _get_duration(record, times):
    duration = record.duration
    fps = getattr(record, "fps", None)
    num_frames = getattr(record, "num_frames", None)
    if duration is None and fps and num_frames:
        duration = num_frames / fps
    if duration is None and times is not None and len(times) > 1:
        duration = 2 * times[-1] - times[-2]
    if duration is None or not 0 < duration < np.inf:
        raise ValueError(
            "Annotated videos must have a positive duration, or a prediction "
            "that knows its frame rate. Received: "
            f"duration={record.duration} of video {record.id}"
        )
    return float(duration)
