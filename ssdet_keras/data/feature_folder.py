"""Features of the videos of a data set."""

import collections.abc
import os
import pathlib

from ssdet_keras.data import feature_format
from ssdet_keras.data.video_features import read_features
from ssdet_keras.data.video_features import read_npy_features


class FeatureFolder(collections.abc.Mapping):
    """The features of videos in a folder, one file per video.

    A mapping of the id of a video to its `VideoFeatures`. Nothing but the
    beginning of each file is read before an array is looked at.

    It reads the files of `recipes/extract_features.py`, and the `.npy` files
    that others publish, whose times must be told: `fps` and `stride`.

    Args:
        path: String or path. The folder, with all folders below.
        names: Sequence of strings or `None`. The arrays to read, such as
            `["features"]`. Defaults to all.
        fps: Float or `None`. Of `.npy` files: frames per second of the videos.
        stride: Float or `None`. Of `.npy` files: frames of a video from one
            step to the next.
        offset: Float. Of `.npy` files: the frame of a video at the first
            step. Defaults to `0.0`.

    Attributes:
        origin: Dict. What the features were made with, the same for all.
        shapes: Dict of name to the shape of a step.
        dtypes: Dict of name to `numpy.dtype`.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no features, damaged ones, or features of
            different origin; or if an argument is out of its range.

    Example:

    ```python
    features = ssdet_keras.data.FeatureFolder("features")
    features["7UPGT"]["features"].shape  # (steps, 432)

    # I3D features at every 8th frame, of the middle of 16 frames.
    i3d = ssdet_keras.data.FeatureFolder("i3d", fps=24, stride=8, offset=7.5)
    ```
    """

    def __init__(self, path, names=None, fps=None, stride=None, offset=0.0):
        self.path = os.fspath(path)
        if (fps is None) != (stride is None):
            raise ValueError(
                "`fps` and `stride` must both be given, for .npy files. "
                f"Received: fps={fps}, stride={stride}"
            )
        if fps is not None and not (fps > 0 and stride > 0):
            raise ValueError(
                "`fps` and `stride` must be positive. "
                f"Received: fps={fps}, stride={stride}"
            )
        self._npy = None if fps is None else (fps, stride, offset)
        self._suffix = feature_format.SUFFIX if fps is None else ".npy"
        self._names = None if names is None else tuple(names)
        self._paths = self._list_files()
        first_path = None
        for video_id, path in self._paths.items():
            features = self[video_id]
            kind = {
                "shapes": {n: a.shape[1:] for n, a in features.items()},
                "dtypes": {n: a.dtype for n, a in features.items()},
                **features.origin,
            }
            if first_path is None:
                first_path, first_kind = path, kind
                self.origin = features.origin
            elif kind != first_kind:
                raise ValueError(
                    "The features of a folder must be of one origin. "
                    f"Received: {first_path} and {path}, which differ in "
                    + describe_difference(first_kind, kind)
                )
        self.shapes = first_kind["shapes"]
        self.dtypes = first_kind["dtypes"]

    def __getitem__(self, video_id):
        path = self._paths[video_id]
        if self._npy is not None:
            features = read_npy_features(path, video_id, *self._npy)
        else:
            features = read_features(path)
        if features.id != video_id:
            raise ValueError(
                "A file of features must have the name of its video. "
                f"Received: {path} of the video {features.id!r}"
            )
        if self._names is None:
            return features
        return features.select(self._names)

    def __contains__(self, video_id):
        # Without reading the file.
        return video_id in self._paths

    def __iter__(self):
        return iter(self._paths)

    def __len__(self):
        return len(self._paths)

    def __repr__(self):
        return f"<FeatureFolder: {len(self)} videos in {self.path}>"

    def _list_files(self):
        """Returns a dict of the ids of the videos to their paths."""
        if not os.path.isdir(self.path):
            raise FileNotFoundError(
                f"The folder of the features must exist. Received: {self.path}"
            )
        paths, others = {}, 0
        for folder, _, names in os.walk(self.path, followlinks=True):
            for name in names:
                if name.startswith("."):
                    continue  # What a writer that was killed has left.
                if name.endswith(self._suffix):
                    path = os.path.join(folder, name)
                    video_id = os.path.relpath(path, self.path)
                    video_id = pathlib.PurePath(video_id).as_posix()
                    paths[video_id.removesuffix(self._suffix)] = path
                others += name.endswith(".npy")
        if not paths:
            hint = ""
            if others:
                hint = f" but {others} .npy files, which need fps and stride"
            raise ValueError(
                f"The folder must hold features, {self._suffix} files. "
                f"Received: {self.path}, which holds none{hint}"
            )
        return dict(sorted(paths.items()))


def describe_difference(first, second):
    """Returns a text of the values in which two dicts differ."""
    return ", ".join(
        f"{name}: {first.get(name)} and {second.get(name)}"
        for name in {**first, **second}
        if first.get(name) != second.get(name)
    )
