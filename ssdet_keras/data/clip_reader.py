"""Clips of one video."""

import numpy as np

from ssdet_keras.data.check_integer import check_integer
from ssdet_keras.data.frame_labels import labels_at
from ssdet_keras.data.geometry import centre_box
from ssdet_keras.data.geometry import random_box


class ClipReader:
    """Reads clips of videos: their frames, labels and mask.

    Args:
        num_frames: Integer. Frames per clip.
        sampling: `FrameSampling`.
        size: Integer. Height and width of the clips.
        num_classes: Integer.
        horizontal_flip: Boolean. Whether every other random clip is flipped.
        crop_scale: Tuple of floats in `(0, 1]`. Range of the side of random
            crops, as a share of the short side. The larger one is that of
            centre crops.
        features: `ClipFeatures` or `None`.
        modality: `"rgb"` or `"flow"`.

    Returns:
        From its methods, an item of a `ClipSource`.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        num_frames,
        sampling,
        size,
        num_classes,
        horizontal_flip,
        crop_scale,
        features=None,
        modality="rgb",
    ):
        for name, value in (
            ("num_frames", num_frames),
            ("size", size),
        ):
            check_integer(name, value, 1)
        if len(crop_scale) != 2 or not (
            0 < crop_scale[0] <= crop_scale[1] <= 1
        ):
            raise ValueError(
                "`crop_scale` must be a range in (0, 1]. "
                f"Received: crop_scale={crop_scale}"
            )
        if modality not in ("rgb", "flow"):
            raise ValueError(
                '`modality` must be "rgb" or "flow". '
                f"Received: modality={modality!r}"
            )
        self._num_frames = num_frames
        self._sampling = sampling
        self._size = size
        self._num_classes = num_classes
        self._horizontal_flip = horizontal_flip
        self._crop_scale = tuple(crop_scale)
        self._features = features
        self._modality = modality

    def read_random(self, video, record, rng):
        """Reads a clip at a random place, for training.

        Args:
            video: `VideoFile`.
            record: `VideoRecord` with its segments.
            rng: `numpy.random.Generator`.
        """
        start = int(rng.integers(self._num_starts(video)))
        box = random_box(video.height, video.width, self._crop_scale, rng)
        is_flipped = self._horizontal_flip and rng.random() < 0.5
        return self._read(video, record, start, box, is_flipped)

    def read_at(self, video, record, position):
        """Reads the centre of the frames of a clip.

        Args:
            video: `VideoFile`.
            record: `VideoRecord` with its segments.
            position: Float, from `0.0`, the first clip of the video, to
                `1.0`, the last one.
        """
        start = int(position * (self._num_starts(video) - 1))
        box = centre_box(video.height, video.width, self._crop_scale[1])
        return self._read(video, record, start, box, False)

    def _num_starts(self, video):
        last = self._sampling.indices(0, self._num_frames, video.fps)[-1]
        return max(1, video.num_frames - int(last))

    def _read(self, video, record, start, box, is_flipped):
        features = {}
        if self._features is not None:
            features = self._features.read(record, video.num_frames, start)
        indices = self._sampling.indices(start, self._num_frames, video.fps)
        videos = video.read(
            indices,
            size=(self._size, self._size),
            box=box,
            past_end="repeat",
        )
        if is_flipped:
            import cv2

            for frame in videos:
                cv2.flip(frame, 1, dst=frame)
            if self._modality == "flow":
                # What moved to the right moves to the left.
                np.subtract(255, videos[..., 0], out=videos[..., 0])
        mask = (indices < video.num_frames).astype("float32")
        labels = labels_at(record, indices / video.fps, self._num_classes)
        return {
            "videos": videos,
            "labels": labels * mask[:, None],
            "mask": mask,
            **features,
        }
