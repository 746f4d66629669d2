"""The MultiTHUMOS protocol."""

from ssdet_keras.evaluation.charades import rank_every_frame
from ssdet_keras.evaluation.video_scores import VideoScores


def multithumos(predictions, annotations):
    """Computes the per-frame mAP of MultiTHUMOS.

    Every frame of every video is ranked. A frame at time `t` is positive if
    `start < t < end`.

    Args:
        predictions: `Predictions`, or a dict of video id to an array of
            shape `(frames, classes)`. Where the frame rate is not known, row
            `i` of `T` is at `i / T * duration`.
        annotations: `VideoRecords`, or a sequence of records with `id`,
            `duration` in seconds and `segments`, tuples `(class_index, start,
            end)`. All videos that are to be evaluated.

    Returns:
        Dict of `"multithumos_per_frame"` to a `Result`.

    Raises:
        ValueError: If `predictions` or `annotations` is empty or they share
            no video, if a prediction has another number of classes or holds
            NaN, or if no class has a positive.

    Example:

    ```python
    annotations = data.read_multithumos("multithumos.json", "videos", "testing")
    results = evaluation.multithumos(predictions, annotations)
    print(results["multithumos_per_frame"].mean)
    ```

    Reference:
        [Yeung et al., 2018](https://arxiv.org/abs/1507.05738).
    """
    videos = VideoScores(predictions, annotations)
    result = rank_every_frame("multithumos_per_frame", videos)
    return {result.name: result}
