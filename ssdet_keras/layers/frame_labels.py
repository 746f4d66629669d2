"""Frame pseudo labels."""

import keras
import numpy as np

from ssdet_keras._keras import current_backend


@keras.saving.register_keras_serializable(package="ssdet_keras")
class FrameLabels(keras.layers.Layer):
    """Repeats the label of a video for every one of its frames.

        label of the video   3
        labels of frames     3 3 3 3 3 3 3 3   (one-hot)

    This layer is safe to use in a `tf.data` pipeline with any Keras backend.

    Args:
        num_classes: Integer. Number of classes.
        num_frames: Integer or `None`. Number of frames. `None` takes it from
            the videos, so that the inputs must be a dict or tuple with them.
            Defaults to `None`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Labels, class indices of an integer dtype, shape `(batch,)`, or
            one-hot or soft labels, shape `(batch, classes)`. Or a dict with
            keys `"videos"`, shape `(batch, frames, height, width, channels)`,
            and such `"labels"`; or a tuple `(videos, labels)`. With videos,
            the batch axis may be missing from both.

    Returns:
        Float32 labels, shape `(batch, frames, classes)`; or a new dict or tuple
        with them and the same videos.

    Raises:
        ValueError: If `num_classes` or `num_frames` is below 1, if the labels
            have another rank or number of classes, or if an eagerly given class
            index is outside `[0, num_classes - 1]`.

    Example:

    ```python
    frame_labels = ssdet_keras.layers.FrameLabels(400, num_frames=16)
    labels = frame_labels(np.array([3, 141]))  # (2, 16, 400)
    ```

    Reference:
        [Kahatapitiya et al., 2023](https://arxiv.org/abs/2111.13675), the
        section "Frame-level Pseudo Labels".
    """

    def __init__(self, num_classes, num_frames=None, **kwargs):
        super().__init__(**kwargs)
        for name, value in (
            ("num_classes", num_classes),
            ("num_frames", num_frames),
        ):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(
                    f"`{name}` must be an integer of at least 1. "
                    f"Received: {name}={value}"
                )
        self.num_classes = num_classes
        self.num_frames = num_frames
        self._convert_input_args = False
        # In `tf.data` under another backend, tensors are not the backend's.
        self._allow_non_tensor_positional_args = True
        self.built = True

    def __call__(self, inputs, *args, **kwargs):
        # Keras takes no tensors beside arrays or file names in one argument,
        # and prints whole arrays below an error of `call()`: so the inputs are
        # checked and taken apart here.
        videos, labels = None, inputs
        if isinstance(inputs, dict):
            videos, labels = inputs["videos"], inputs["labels"]
        elif isinstance(inputs, tuple | list):
            videos, labels = inputs
        self._check(labels, videos)
        tensors = {"labels": labels, "videos": videos}
        tensors = {
            key: x
            if isinstance(x, keras.KerasTensor)
            else current_backend().convert_to_tensor(x)
            for key, x in tensors.items()
            if x is not None
        }
        labels = super().__call__(tensors, *args, **kwargs)
        if isinstance(inputs, dict):
            return {**inputs, "labels": labels}
        if isinstance(inputs, tuple | list):
            return videos, labels
        return labels

    def call(self, inputs):
        ops = current_backend()
        labels, videos = inputs["labels"], inputs.get("videos")
        is_batched = videos is None or len(videos.shape) == 5
        if not is_batched:
            labels = labels[None]
        if len(labels.shape) == 1:
            labels = ops.nn.one_hot(labels, self.num_classes)
        labels = ops.cast(labels, "float32")
        num_frames = self.num_frames
        if num_frames is None:
            num_frames = ops.shape(videos)[1 if is_batched else 0]
        frames = ops.numpy.ones((1, num_frames, 1), dtype="float32")
        labels = labels[:, None] * frames
        return labels if is_batched else labels[0]

    def _check(self, labels, videos):
        name = f"`{type(self).__name__}`"
        if videos is None and self.num_frames is None:
            raise ValueError(
                f"{name} needs `num_frames`, or videos beside the labels. "
                "Received: num_frames=None and labels alone"
            )
        shape = tuple(labels.shape)
        is_unbatched = videos is not None and len(videos.shape) == 4
        rank = len(shape) + 1 if is_unbatched else len(shape)
        if rank not in (1, 2) or (rank == 2 and shape[-1] != self.num_classes):
            raise ValueError(
                f"{name} expects class indices of shape (batch,), or labels of "
                f"shape (batch, {self.num_classes}). "
                f"Received: labels.shape={shape}"
            )
        if rank == 1 and isinstance(labels, np.ndarray | np.integer):
            outside = (labels < 0) | (labels >= self.num_classes)
            if np.any(outside):
                raise ValueError(
                    f"{name} expects class indices from 0 to "
                    f"{self.num_classes - 1}. Received: labels={labels}"
                )

    def compute_output_spec(self, inputs):
        labels, videos = inputs["labels"], inputs.get("videos")
        num_frames = self.num_frames
        if num_frames is None:
            num_frames = videos.shape[-4]
        shape = (num_frames, self.num_classes)
        if videos is None or len(videos.shape) == 5:
            shape = (labels.shape[0], *shape)
        return keras.KerasTensor(shape, dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "num_frames": self.num_frames,
        }
