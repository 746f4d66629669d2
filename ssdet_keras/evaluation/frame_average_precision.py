"""Average precision as a metric of Keras models."""

import keras
import numpy as np
from keras import ops

from ssdet_keras._keras import in_step
from ssdet_keras.evaluation.average_precision import average_precision


@keras.saving.register_keras_serializable(package="ssdet_keras")
class FrameAveragePrecision(keras.metrics.Metric):
    """Mean average precision of all frames of an epoch.

    For `fit` and `evaluate`. The scores and labels of an epoch are kept in
    float32 and int8, and ranked together at its end: the result is exactly
    the mean of `average_precision` over the classes that have a positive,
    with frames of equal score in the order in which they came. It is that of
    the clips that the model was given. For numbers to publish, evaluate whole
    videos, with `charades` or `multithumos`.

    Ranking takes long, so that it is left out of the steps: the progress bar,
    and the logs of batches, show 0 until the end of the epoch. All that is
    given the logs of an epoch sees the result, such as `History` or
    `ModelCheckpoint(monitor="val_mean_average_precision")`. After
    `train_on_batch`, `model.get_metrics_result()` has it. Outside of a model,
    `result()` is exact after every update.

    Where no frame shows any class there is nothing to rank, and the result is
    0, which no plot and no comparison stumbles over.

    A frame counts as positive from a label of a half, so that mixed clips can
    be ranked too. Frames are left out where their sample weight is zero, or
    where a label is negative, as `training.DetectionLoss` does. Keras gives
    sample weights to `weighted_metrics` alone, and needs them to be of shape
    `(batch, frames)` then.

    Args:
        capacity: Positive integer. The most frames of an epoch, those that
            are left out included; the larger of training and validation.
            `5 * capacity * num_classes` bytes are kept, which PyTorch and
            TensorFlow copy in every step: 6 and 4 ms on a CPU for the 46,575
            frames and 157 classes of Charades.
        name: String. Defaults to `"mean_average_precision"`.
        dtype: Dtype of the result. Defaults to float32.

    Call arguments:
        y_true: Labels in `[0, 1]`, shape `(batch, frames, classes)`.
        y_pred: Scores of the same shape, logits or probabilities.
        sample_weight: Shape `(batch, frames)` or `(batch,)`, or `None`. Zero
            leaves a frame out; other weights count the same.

    Returns:
        A scalar in `[0, 1]`.

    Raises:
        ValueError: If `capacity` is not positive or, at the end of an epoch,
            was exceeded; if the shapes differ; or if a score is NaN.

    Example:

    ```python
    metric = evaluation.FrameAveragePrecision(capacity=len(clips) * 16)
    model.compile("adam", training.DetectionLoss(), metrics=[metric])
    model.fit(clips, validation_data=validation_clips)
    ```
    """

    def __init__(self, capacity, name="mean_average_precision", dtype=None):
        super().__init__(name=name, dtype=dtype)
        if capacity < 1:
            raise ValueError(
                f"`capacity` must be positive. Received: capacity={capacity}"
            )
        self.capacity = int(capacity)
        # "none", as sums over the replicas of a strategy would mix frames up.
        self._count = self.add_variable(
            (), "zeros", dtype="int32", aggregation="none", name="count"
        )
        self._scores = None

    def _build(self, num_classes):
        shape = (self.capacity, num_classes)
        self._scores = self.add_variable(
            shape, "zeros", dtype="float32", aggregation="none", name="scores"
        )
        self._labels = self.add_variable(
            shape, "zeros", dtype="int8", aggregation="none", name="labels"
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        scores = ops.cast(y_pred, "float32")
        labels = ops.cast(y_true, "float32")
        if not _is_same_shape(scores.shape, labels.shape):
            raise ValueError(
                "`y_true` and `y_pred` must have one shape, `(batch, frames, "
                f"classes)`. Received: y_true.shape={tuple(labels.shape)}, "
                f"y_pred.shape={tuple(scores.shape)}"
            )
        is_valid = ops.all(labels >= 0, axis=-1)
        if sample_weight is not None:
            weight = ops.cast(sample_weight, "float32")
            if len(weight.shape) == 1:
                weight = ops.expand_dims(weight, -1)
            is_valid = ops.logical_and(is_valid, weight > 0)
        # -1 marks the frames that are left out.
        labels = ops.where(
            ops.expand_dims(is_valid, -1), ops.cast(labels >= 0.5, "int8"), -1
        )
        num_classes = scores.shape[-1]
        if self._scores is None:
            self._build(num_classes)
        scores = ops.reshape(scores, (-1, num_classes))
        labels = ops.cast(ops.reshape(labels, (-1, num_classes)), "int8")
        num_frames = ops.shape(scores)[0]
        # Too many frames are an error of `result()`, as a compiled step can't
        # raise one. Until then they overwrite the last ones.
        room = ops.maximum(self.capacity - num_frames, 0)
        start = (ops.minimum(self._count.value, room), 0)
        fitting = slice(None, self.capacity)
        self._scores.assign(
            ops.slice_update(self._scores.value, start, scores[fitting])
        )
        self._labels.assign(
            ops.slice_update(self._labels.value, start, labels[fitting])
        )
        self._count.assign(self._count.value + num_frames)

    def result(self):
        if in_step() or self._scores is None:
            return ops.zeros((), self.dtype)
        count = int(self._count.value)
        if count > self.capacity:
            raise ValueError(
                "`capacity` must be at least the number of frames of an epoch. "
                f"Received: capacity={self.capacity}, {count} frames"
            )
        scores = ops.convert_to_numpy(self._scores.value)[:count]
        labels = ops.convert_to_numpy(self._labels.value)[:count]
        is_valid = (labels >= 0).all(-1)
        per_class = average_precision(scores[is_valid], labels[is_valid])
        per_class = per_class[~np.isnan(per_class)]
        mean = per_class.mean() if len(per_class) else 0.0
        return ops.convert_to_tensor(mean, self.dtype)

    def reset_state(self):
        self._count.assign(0)

    def get_config(self):
        return {**super().get_config(), "capacity": self.capacity}


def _is_same_shape(first, second):
    # In a graph, sizes can be unknown.
    return len(first) == len(second) == 3 and all(
        a == b or None in (a, b) for a, b in zip(first, second, strict=True)
    )
