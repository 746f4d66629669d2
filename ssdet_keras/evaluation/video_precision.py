"""How well single videos are scored."""

from ssdet_keras.data.frame_labels import labels_at
from ssdet_keras.evaluation.average_precision import average_precision
from ssdet_keras.evaluation.video_scores import VideoScores


def video_precision(predictions, annotations):
    """Computes the mean average precision within each video.

    Its frames are ranked for each class that is annotated in the video, and
    the mean is taken over these classes. It tells which videos are easy and
    which are hard, to look at them. The mean of these numbers is not that of
    a benchmark, which rank the frames of all videos together.

    Args:
        predictions: Dict of video id to an array of shape `(frames,
            classes)`, with row `i` of `T` at `i / T * duration`.
        annotations: `VideoRecords`, or a sequence of records with `id`,
            `duration` in seconds and `segments`, tuples `(class_index, start,
            end)`.

    Returns:
        Dict of video id to a float in `[0, 1]`, from the best to the worst.
        Videos without a prediction, and those without a positive frame, are
        left out.

    Raises:
        ValueError: As `charades`.

    Example:

    ```python
    annotations = data.read_charades("Charades_v1_test.csv", "videos")
    precision = evaluation.video_precision(predictions, annotations)
    best, worst = list(precision)[0], list(precision)[-1]
    ```
    """
    videos = VideoScores(predictions, annotations)
    precision = {}
    for index, record in enumerate(annotations):
        if record.id not in predictions:
            continue
        labels = labels_at(record, videos.times(index), videos.num_classes)
        found = labels.any(0)
        if found.any():
            values = average_precision(
                videos.scores[index][:, found], labels[:, found]
            )
            precision[record.id] = float(values.mean())
    return dict(sorted(precision.items(), key=lambda item: -item[1]))
