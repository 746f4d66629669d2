"""The features of one video."""

import collections.abc

import numpy as np

from ssdet_keras.data import feature_format


class VideoFeatures(collections.abc.Mapping):
    """Features of a video, read from disk where they are looked at.

    A mapping of name to an array of shape `(steps, ...)`, of which a slice
    reads no more than these steps: `features["stage1"][100:228]`. Step `k`
    is at frame `offset + k * stride` of the video.

    Args:
        arrays: Dict of name to array: `"features"`, of shape `(steps,
            channels)`, and where they were asked for the feature maps
            `"stage1"` and so on, of shape `(steps, 7, 7, channels)`.
        id: String. Id of the video.
        fps: Float. Frames per second of the video.
        stride: Float. Frames of the video from one step to the next.
        offset: Float. Frame of the video at the first step.
        num_frames: Integer or `None`. Number of frames of the video.
        origin: Dict. What the features were made with.

    Example:

    ```python
    features = ssdet_keras.data.FeatureFolder("features")["7UPGT"]
    features["features"].shape, features.times[:3]
    ```
    """

    def __init__(
        self,
        arrays,
        id,
        fps,
        stride,
        offset=0.0,
        num_frames=None,
        origin=None,
    ):
        self._arrays = arrays
        self.id = id
        self.fps = fps
        self.stride = stride
        self.offset = offset
        self.num_frames = num_frames
        self.origin = origin or {}

    @property
    def num_steps(self):
        """Number of steps."""
        return len(next(iter(self.values())))

    @property
    def times(self):
        """Times of the steps in seconds, float64, shape `(steps,)`."""
        steps = np.arange(self.num_steps)
        return (self.offset + self.stride * steps) / self.fps

    def select(self, names):
        """Returns the `VideoFeatures` of some arrays alone.

        Raises:
            ValueError: If there is no array of a name.
        """
        if not names or not set(names) <= set(self):
            raise ValueError(
                f"`names` must be of {list(self)}. "
                f"Received: names={list(names)}"
            )
        return VideoFeatures(
            {name: self[name] for name in names},
            self.id,
            self.fps,
            self.stride,
            self.offset,
            self.num_frames,
            self.origin,
        )

    def __getitem__(self, name):
        return self._arrays[name]

    def __iter__(self):
        return iter(self._arrays)

    def __len__(self):
        return len(self._arrays)

    def __repr__(self):
        return (
            f"<VideoFeatures: {self.id}, {self.num_steps} steps of "
            f"{', '.join(self)}>"
        )


def read_features(path):
    """Reads a file of `write_features`.

    Args:
        path: String or path.

    Returns:
        `VideoFeatures`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is another file, or damaged.
    """
    arrays, info = feature_format.read_file(path)
    del info["written_by"]
    return VideoFeatures(arrays, **info)


def read_npy_features(path, video_id, fps, stride, offset):
    """Reads features that others publish, one `.npy` file per video.

    Args:
        path: String or path. A file of an array of shape `(steps, channels)`,
            or with further axes of size 1, such as `(steps, 1, 1, channels)`.
        video_id: String.
        fps: Float.
        stride: Float.
        offset: Float.

    Returns:
        `VideoFeatures`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is another file, or of another shape.
    """
    try:
        array = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        raise
    except Exception as error:
        # A damaged file can raise almost any error.
        raise ValueError(
            f"A file of features must be a .npy file. Received: {path} "
            f"({error})"
        ) from error
    if (
        array.ndim < 2
        or array.dtype.kind != "f"
        or sum(size != 1 for size in array.shape[:-1]) > 1
    ):
        raise ValueError(
            "Features must be a float array of shape (steps, channels), up to "
            f"axes of size 1. Received: {path}, {array.dtype}, {array.shape}"
        )
    array = array.reshape(-1, array.shape[-1])
    return VideoFeatures({"features": array}, video_id, fps, stride, offset)
