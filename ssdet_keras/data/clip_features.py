"""The features around clips."""

import math

import numpy as np

from ssdet_keras.data.check_integer import check_integer
from ssdet_keras.data.video_read_error import VideoReadError


class ClipFeatures:
    """Reads the features of clips and of the videos around them.

    A clip is in the middle of them, as far as the ends of its video allow. A
    video of fewer steps is followed by zeros:

        video, 10 steps     0 1 2 3 4 5 6 7 8 9
        clip, 2 frames                  c c
        6 steps                     f f f f f f      feature_start = 2
        6 steps of a video of 4     f f f f 0 0

    Args:
        features: `FeatureFolder` of one step per frame of a clip.
        num_steps: Integer, at least `num_frames`.
        num_frames: Integer. Frames per clip.
        sampling: `FrameSampling` of the clips.

    Raises:
        ValueError: If there are fewer steps than frames, or the features have
            another stride than the clips.
    """

    def __init__(self, features, num_steps, num_frames, sampling):
        check_integer("num_feature_steps", num_steps, 1)
        if num_steps < num_frames:
            raise ValueError(
                "`num_feature_steps` must not be less than `num_frames`. "
                f"Received: num_feature_steps={num_steps}, "
                f"num_frames={num_frames}"
            )
        self._features = features
        self._num_steps = num_steps
        self._num_frames = num_frames
        self._sampling = sampling
        self._check_stride(next(iter(features.values())))

    @property
    def item_shapes(self):
        """Dict of key to the shape and the dtype of what is read."""
        steps = self._num_steps
        return {
            "feature_mask": ((steps,), "float32"),
            "feature_start": ((), "float32"),
            **{
                name: ((steps, *shape), self._features.dtypes[name].name)
                for name, shape in self._features.shapes.items()
            },
        }

    def read(self, record, num_frames, start):
        """Reads the features of a clip.

        Args:
            record: `VideoRecord`.
            num_frames: Integer. Frames of the video.
            start: Integer. Frame of the video at the beginning of the clip.

        Returns:
            Dict of the arrays, of shape `(num_steps, ...)`, and of float32
            `"feature_mask"`, of shape `(num_steps,)`, and `"feature_start"`,
            of shape `()`: the number of the step, with its fraction, at the
            beginning of the clip.

        Raises:
            VideoReadError: If the video has no features, or those of another
                number of frames.
            ValueError: If they have another stride than the clips.
        """
        features = find_features(self._features, record)
        if features.num_frames not in (None, num_frames):
            raise VideoReadError(
                record.path,
                f"it has {num_frames} frames, but its features in "
                f"{self._features.path} are of {features.num_frames}",
            )
        self._check_stride(features)
        position = (start - features.offset) / features.stride
        margin = (self._num_steps - self._num_frames) // 2
        last = max(0, features.num_steps - self._num_steps)
        first = min(max(0, math.floor(position) - margin), last)
        window = {}
        for name, array in features.items():
            rows = array[first : first + self._num_steps]
            shape = (self._num_steps, *array.shape[1:])
            window[name] = np.zeros(shape, array.dtype)
            window[name][: len(rows)] = rows
        is_there = np.arange(self._num_steps) < features.num_steps - first
        window["feature_mask"] = is_there.astype("float32")
        window["feature_start"] = np.array(position - first, "float32")
        return window

    def _check_stride(self, features):
        name, wanted = "frame_stride", self._sampling.frame_stride
        found = features.stride
        if wanted is None:
            name, wanted = "frame_rate", self._sampling.frame_rate
            found = features.fps / features.stride
        if not math.isclose(found, wanted, rel_tol=1e-4):
            raise ValueError(
                f"Clips must have the {name} of the features, {found:g}. "
                f"Received: {name}={wanted:g}"
            )


def find_features(features, record):
    """Returns the `VideoFeatures` of a record.

    Raises:
        VideoReadError: If there are none, or they can't be read.
    """
    if record.id not in features:
        raise VideoReadError(
            record.path, f"it has no features in {features.path}"
        )
    try:
        return features[record.id]
    except (OSError, ValueError) as error:
        raise VideoReadError(record.path, str(error)) from error


def check_features(features, records):
    """Raises an error unless one of the records, or more, has features."""
    if not any(record.id in features for record in records):
        raise ValueError(
            "`features` must be those of the videos of `records`. Received: "
            f"{features.path}, with {next(iter(features))!r}, for "
            f"{records[0].id!r}"
        )
