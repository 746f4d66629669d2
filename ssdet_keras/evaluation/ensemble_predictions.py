"""Ensembles of predictions."""

import warnings

import numpy as np

from ssdet_keras.evaluation.check_same_classes import check_same_classes
from ssdet_keras.evaluation.interpolate_scores import interpolate_scores
from ssdet_keras.evaluation.predictions import Predictions

# Float32 probabilities are not told from 0 and 1 beyond this.
_SMALLEST = 2.0**-24


def ensemble_predictions(members, mean="scores", durations=None):
    """Computes the mean of several predictions of the same videos.

    Members may have different rows, such as 25 of a Charades submission and
    every frame: the rows of the member that has most are kept, and the others
    are interpolated linearly to their times. A video that some members lack
    is the mean of the others, with a warning.

    Args:
        members: Dict of a name, for messages, to `Predictions` of the same
            classes.
        mean: `"scores"`, or `"logits"`, which weighs sure members more: the
            sigmoid of the mean of logits. Defaults to `"scores"`.
        durations: Dict of video id to its length in seconds, or `None`. Must
            tell that of videos whose rows differ and whose frame rate is not
            known to all members.

    Returns:
        `Predictions`.

    Raises:
        ValueError: If there are no members, if they differ in their classes
            or their order, if rows differ and their times are not known, or
            if `mean="logits"` and scores are not in `[0, 1]`.

    Example:

    ```python
    members = {path: evaluation.load_predictions(path) for path in paths}
    predictions = evaluation.ensemble_predictions(members)
    ```
    """
    if mean not in ("scores", "logits"):
        raise ValueError(
            f'`mean` must be "scores" or "logits". Received: mean={mean!r}'
        )
    _check_members(members)
    reference = max(
        members.values(), key=lambda member: sum(map(len, member.values()))
    )
    ensembled, fps = {}, {}
    for video_id in _list_videos(members):
        holders = {
            name: member
            for name, member in members.items()
            if video_id in member
        }
        grid = reference
        if video_id not in reference:
            grid = next(iter(holders.values()))
            _check_grid(video_id, grid, reference)
        fps[video_id] = grid.fps.get(video_id)
        duration = (durations or {}).get(video_id)
        rows = [
            _align(member, grid, video_id, duration)
            for member in holders.values()
        ]
        if mean == "logits":
            for name, scores in zip(holders, rows, strict=True):
                _check_probabilities(name, video_id, scores)
            rows = list(map(_to_logits, rows))
        ensembled[video_id] = np.mean(rows, axis=0, dtype="float64")
        if mean == "logits":
            ensembled[video_id] = _to_probabilities(ensembled[video_id])
        dtype = np.result_type("float32", *map(_get_dtype, holders.values()))
        ensembled[video_id] = ensembled[video_id].astype(dtype)
    models = [member.model for member in members.values() if member.model]
    return Predictions(
        ensembled,
        class_names=next(
            (m.class_names for m in members.values() if m.class_names), None
        ),
        fps=fps,
        stride=reference.stride,
        offset=reference.offset,
        model=" + ".join(models) or None,
        commit=reference.commit,
    )


def _check_members(members):
    if not members:
        raise ValueError("`members` must be at least one. Received: none")
    (first_name, first), *others = members.items()
    for name, member in others:
        if member.num_classes != first.num_classes:
            raise ValueError(
                "The members must be of the same classes. Received: "
                f"{first.num_classes} classes of {first_name}, "
                f"{member.num_classes} of {name}"
            )
    check_same_classes({name: m.class_names for name, m in members.items()})


def _list_videos(members):
    """Returns all video ids, and warns of those that members lack."""
    video_ids = list(dict.fromkeys(v for m in members.values() for v in m))
    for name, member in members.items():
        missing = [v for v in video_ids if v not in member]
        if missing:
            warnings.warn(
                f"{len(missing)} of {len(video_ids)} videos are not in {name}, "
                "and are the mean of the others: "
                f"{', '.join(missing[:5])}",
                stacklevel=3,
            )
    return video_ids


def _check_grid(video_id, grid, reference):
    # One stride and one offset hold for all videos.
    if video_id in grid.fps and (grid.stride, grid.offset) != (
        reference.stride,
        reference.offset,
    ):
        raise ValueError(
            "The member with most rows must have every video where strides or "
            f"offsets differ. Received: video {video_id}, which it lacks"
        )


def _align(member, grid, video_id, duration):
    """Returns the scores of a member at the times of another one."""
    scores = member[video_id]
    if len(scores) == len(grid[video_id]) and _have_equal_times(
        member, grid, video_id
    ):
        return scores
    try:
        times, grid_times = (
            predictions.times(video_id, duration)
            for predictions in (member, grid)
        )
    except ValueError as error:
        raise ValueError(
            "Members with different rows need frame rates, or `durations`. "
            f"Received: {len(scores)} and {len(grid[video_id])} rows of video "
            f"{video_id}, whose length is not known"
        ) from error
    return interpolate_scores(scores, times, grid_times)


def _have_equal_times(member, grid, video_id):
    if video_id not in member.fps or video_id not in grid.fps:
        return video_id not in member.fps and video_id not in grid.fps
    return np.allclose(
        member.times(video_id), grid.times(video_id), rtol=1e-6, atol=1e-6
    )


def _check_probabilities(name, video_id, scores):
    is_probability = (scores >= 0) & (scores <= 1) | np.isneginf(scores)
    if not is_probability.all():
        raise ValueError(
            "Scores must be in [0, 1] for the mean of their logits. Received: "
            f"{scores[~is_probability][0]} for video {video_id} of {name}"
        )


def _to_logits(scores):
    clipped = np.clip(scores.astype("float64"), _SMALLEST, 1 - _SMALLEST)
    # A missing row stays one.
    logits = np.log(clipped) - np.log1p(-clipped)
    return np.where(np.isneginf(scores), -np.inf, logits)


def _to_probabilities(logits):
    with np.errstate(over="ignore"):
        probabilities = 1 / (1 + np.exp(-logits))
    return np.where(np.isneginf(logits), -np.inf, probabilities)


def _get_dtype(predictions):
    return next(iter(predictions.values())).dtype
