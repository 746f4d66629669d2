"""Files of frame scores."""

import json

import numpy as np

from ssdet_keras.data.atomic_write import atomic_write


def save_predictions(path, predictions, **metadata):
    """Saves the scores of videos to one compressed file.

    The file is a NumPy archive without pickled objects, so that reading one
    runs no code. It appears at `path` once it is complete.

    Args:
        path: String or path-like. Usually ends in `.npz`.
        predictions: Dict of video id to an array of shape `(frames,
            classes)`.
        **metadata: What else to keep, such as `class_names`. Anything that
            JSON can hold.

    Raises:
        ValueError: If `predictions` is empty, an array has another rank or is
            not of floats, or JSON cannot hold `metadata`.

    Example:

    ```python
    save_predictions("scores.npz", predictions, class_names=names, fps=24)
    predictions, metadata = load_predictions("scores.npz")
    ```
    """
    if not len(predictions):
        raise ValueError(
            "`predictions` must hold at least one video. Received: none"
        )
    arrays = {}
    for index, (video_id, scores) in enumerate(predictions.items()):
        scores = np.asarray(scores)
        if scores.ndim != 2 or not np.issubdtype(scores.dtype, np.floating):
            raise ValueError(
                "Predictions must be floats of shape `(frames, classes)`. "
                f"Received: shape={scores.shape}, dtype={scores.dtype} for "
                f"video {video_id}"
            )
        arrays[f"scores_{index:06d}"] = scores
    try:
        header = json.dumps({"ids": list(predictions), "metadata": metadata})
    except TypeError as error:
        raise ValueError(
            "`metadata` must be what JSON can hold, and video ids strings. "
            f"Received: {error}"
        ) from error
    with atomic_write(path) as file:
        np.savez_compressed(file, header=np.array(header), **arrays)


def load_predictions(path):
    """Loads a file of `save_predictions`.

    Args:
        path: String or path-like.

    Returns:
        A tuple `(predictions, metadata)`: the dict of video id to scores, and
        the dict of the keyword arguments that were saved.

    Raises:
        ValueError: If the file was not written by `save_predictions`, or is
            damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            header = json.loads(str(archive["header"]))
            predictions = {
                video_id: archive[f"scores_{index:06d}"]
                for index, video_id in enumerate(header["ids"])
            }
        return predictions, header["metadata"]
    except FileNotFoundError:
        raise
    except Exception as error:
        # A damaged archive can raise almost any error.
        raise ValueError(
            "`path` must be a whole file of `save_predictions`. Received: "
            f"path={path} ({error})"
        ) from error
