"""The Charades localisation protocols."""

from ssdet_keras.evaluation.result import Result
from ssdet_keras.evaluation.video_scores import VideoScores

NUM_SAMPLES = 25
# Positives and negatives that the challenge rescales every class to.
_CHALLENGE_BALANCE = (1100, 45000)


def charades(predictions, annotations):
    """Computes every number that is called the mAP of Charades.

    | name | rows of a video | positive |
    |---|---|---|
    | `charades_official` | 25, at `j / 25 * duration` | `start <= t <= end` |
    | `charades_official_weighted` | the same; classes weighed by positives | |
    | `charades_challenge` | the same; normalised precision | |
    | `charades_strided` | `scores[1 :: T // 25][:25]` | `start < t < end` |
    | `per_frame` | all | `start < t < end` |

    `charades_official` agrees with the program of the data set,
    `Charades_v1_localize`. Frames without any action are negatives, and so is
    a video without a prediction, at a score of `-inf`. The precision of
    `charades_challenge` is that of a class with 1,100 positives and 45,000
    negatives. `charades_strided` is what much published code computes while
    it trains.

    Args:
        predictions: `Predictions`, or a dict of video id to an array of
            shape `(frames, classes)`. Where the frame rate is not known, row
            `i` of `T` is at `i / T * duration`. The official rows are
            interpolated linearly, and are exactly those given where a video
            has 25 and no frame rate.
        annotations: `VideoRecords`, or a sequence of records with `id`,
            `duration` in seconds and `segments`, tuples `(class_index, start,
            end)`. All videos that are to be evaluated.

    Returns:
        Dict of the names above to a `Result`.

    Raises:
        ValueError: If `predictions` or `annotations` is empty or they share
            no video, if a prediction has another number of classes or holds
            NaN, or if no class has a positive.

    Example:

    ```python
    annotations = data.read_charades("Charades_v1_test.csv", "videos")
    predictions = evaluation.read_charades_submission("submission.txt")
    for result in evaluation.charades(predictions, annotations).values():
        print(result)
    ```

    Reference:
        [Sigurdsson et al., 2017](https://arxiv.org/abs/1612.06371), and the
        evaluation program that comes with the
        [data set](https://prior.allenai.org/projects/charades).
    """
    videos = VideoScores(predictions, annotations)
    samples = [
        videos.sample(index, NUM_SAMPLES) for index in range(len(videos.scores))
    ]
    official, num_positives = videos.rank(samples, inclusive=True)
    challenge, _ = videos.rank(
        samples, inclusive=True, balance=_CHALLENGE_BALANCE
    )
    strided, num_strided = videos.rank(
        [
            (_stride(scores), _stride(videos.times(index)))
            for index, scores in enumerate(videos.scores)
        ],
        inclusive=False,
    )
    names = videos.class_names
    results = [
        Result.from_classes(
            "charades_official", official, num_positives, names
        ),
        Result.from_classes(
            "charades_official_weighted",
            official,
            num_positives,
            names,
            weighted=True,
        ),
        Result.from_classes(
            "charades_challenge", challenge, num_positives, names
        ),
        Result.from_classes("charades_strided", strided, num_strided, names),
        rank_every_frame("per_frame", videos),
    ]
    return {result.name: result for result in results}


def rank_every_frame(name, videos):
    """Ranks every frame of all videos.

    Args:
        name: String. Name of the result.
        videos: `VideoScores`.

    Returns:
        A `Result`. A frame is positive if `start < t < end`.
    """
    samples = [
        (scores, videos.times(index))
        for index, scores in enumerate(videos.scores)
    ]
    per_class, num_positives = videos.rank(samples, inclusive=False)
    return Result.from_classes(
        name, per_class, num_positives, videos.class_names
    )


def _stride(rows):
    step = max(1, len(rows) // NUM_SAMPLES)
    # A single row has no second one to start at.
    return rows[min(1, len(rows) - 1) :: step][:NUM_SAMPLES]
