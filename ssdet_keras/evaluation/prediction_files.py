"""Files of predictions."""

import numpy as np

from ssdet_keras.data.atomic_write import atomic_write
from ssdet_keras.evaluation.predictions import Predictions

_VERSION = 1


def save_predictions(path, predictions, **attributes):
    """Saves the scores of videos to one compressed file.

    The file is a NumPy archive of these arrays, without pickled objects, so
    that reading one runs no code:

    | name | shape | |
    |---|---|---|
    | `version` | `()` | of the format, 1 |
    | `video_ids` | `(videos,)` | |
    | `num_rows` | `(videos,)` | rows of each video |
    | `scores` | `(sum of num_rows, classes)` | the videos one after another |
    | `class_names` | `(classes,)` | `(0,)` if not known |
    | `fps` | `(videos,)` | frames per second, NaN if not known |
    | `stride`, `offset` | `()` | frames per row, frame of the first row |
    | `model`, `commit` | `()` | texts, empty if not known |

    Scores have the dtype of those given. The file appears at `path` once it
    is complete.

    Args:
        path: String or path-like. Usually ends in `.npz`.
        predictions: `Predictions`, or a dict of video id to an array of
            shape `(rows, classes)`.
        **attributes: With a dict, the other arguments of `Predictions`.

    Raises:
        ValueError: See `Predictions`; or if there are attributes beside them.

    Example:

    ```python
    save_predictions("scores.npz", {"YSKX3": scores}, class_names=names, fps=24)
    predictions = load_predictions("scores.npz")
    ```
    """
    if not isinstance(predictions, Predictions):
        predictions = Predictions(predictions, **attributes)
    elif attributes:
        raise ValueError(
            "`Predictions` have attributes of their own. Received: "
            f"{', '.join(attributes)} beside them"
        )
    with atomic_write(path) as file:
        np.savez_compressed(
            file,
            version=_VERSION,
            video_ids=np.array(list(predictions)),
            num_rows=[len(rows) for rows in predictions.values()],
            scores=np.concatenate(list(predictions.values())),
            class_names=np.array(predictions.class_names or [], "U"),
            fps=[predictions.fps.get(name, np.nan) for name in predictions],
            stride=predictions.stride,
            offset=predictions.offset,
            model=predictions.model or "",
            commit=predictions.commit or "",
        )


def load_predictions(path):
    """Loads a file of `save_predictions`.

    Args:
        path: String or path-like.

    Returns:
        `Predictions`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file was not written by `save_predictions`, is
            damaged, or holds what `Predictions` does not take. Names the
            file.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return _unpack(arrays)
    except FileNotFoundError:
        raise
    except Exception as error:
        # A damaged archive can raise almost any error.
        raise ValueError(
            "`path` must be a whole file of `save_predictions`. Received: "
            f"path={path} ({error})"
        ) from error


def _unpack(arrays):
    version = arrays.get("version")
    if version is None or version != _VERSION:
        raise ValueError(
            f"it has no format version {_VERSION}: another version of "
            "ssdet_keras wrote it, or another program"
        )
    video_ids = arrays["video_ids"].tolist()
    if len(set(video_ids)) < len(video_ids):
        twice = next(name for name in video_ids if video_ids.count(name) > 1)
        raise ValueError(f"video {twice} comes twice")
    ends = np.cumsum(arrays["num_rows"])
    scores, fps = arrays["scores"], arrays["fps"]
    if len(ends) != len(video_ids) or ends[-1:] != len(scores):
        raise ValueError(
            f"{len(scores)} rows of scores are not those of {len(ends)} videos"
        )
    starts = ends - arrays["num_rows"]
    return Predictions(
        {
            video_id: scores[start:end]
            for video_id, start, end in zip(
                video_ids, starts, ends, strict=True
            )
        },
        class_names=arrays["class_names"].tolist() or None,
        fps={
            video_id: rate
            for video_id, rate in zip(video_ids, fps.tolist(), strict=True)
            if not np.isnan(rate)
        },
        stride=float(arrays["stride"]),
        offset=float(arrays["offset"]),
        model=str(arrays["model"]) or None,
        commit=str(arrays["commit"]) or None,
    )
