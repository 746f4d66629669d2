"""Loss of frame-wise detection."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ssdet_keras")
class DetectionLoss(keras.losses.Loss):
    """Loss of the logits of every frame, for multi-hot or soft labels.

    With the activation `"sigmoid"`, the mean of two binary cross-entropies, as
    localisation and as classification loss: that of the frames, and that of
    the highest logit and label of each class over time:

        (mean_t BCE(logits[t], labels[t]) + BCE(max_t logits, max_t labels)) / 2

    With the activation `"softmax"`, the cross-entropy of each frame with its
    soft labels, averaged over time. It leaves frames with zero labels out, so
    that it wants a background class (`VolumeFreeze(background="class")`).

    Frames with negative labels are ignored: mark padding with -1.

    Args:
        activation: `"sigmoid"` or `"softmax"`. Defaults to `"sigmoid"`.
        name: String. Defaults to `"detection_loss"`.
        **kwargs: Keyword arguments of `keras.losses.Loss`, such as
            `reduction`.

    Call arguments:
        y_true: Float labels, shape `(batch, frames, classes)`.
        y_pred: Logits of the same shape.

    Returns:
        The mean over the batch, a scalar, with the default reduction.

    Raises:
        ValueError: If the activation is unknown.

    Reference:
        [Kahatapitiya et al., 2023](https://arxiv.org/abs/2111.13675), section
        "Charades Evaluation". The authors' released code pretrains with the
        softmax form.
    """

    def __init__(self, activation="sigmoid", name="detection_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        if activation not in ("sigmoid", "softmax"):
            raise ValueError(
                "`activation` must be 'sigmoid' or 'softmax'. "
                f"Received: activation={activation!r}"
            )
        self.activation = activation

    def call(self, y_true, y_pred):
        logits = ops.cast(y_pred, "float32")
        labels = ops.cast(y_true, "float32")
        valid = ops.cast(
            ops.all(labels >= 0, axis=-1, keepdims=True), "float32"
        )
        labels = labels * valid
        if self.activation == "softmax":
            losses = -ops.sum(labels * ops.log_softmax(logits), axis=-1)
            return _mean_over_time(losses, valid[..., 0])
        # Padding must not win the maximum over time.
        highest = ops.max(ops.where(valid > 0, logits, -1e9), axis=1)
        highest_label = ops.max(labels, axis=1)
        has_frames = ops.max(valid, axis=1)
        frames = ops.mean(_sigmoid_cross_entropy(labels, logits), axis=-1)
        clips = _sigmoid_cross_entropy(highest_label, highest) * has_frames
        frames = _mean_over_time(frames, valid[..., 0])
        return (frames + ops.mean(clips, axis=-1)) / 2

    def get_config(self):
        return {**super().get_config(), "activation": self.activation}


def _sigmoid_cross_entropy(labels, logits):
    # The form that does not overflow, for logits of either sign.
    rest = ops.log1p(ops.exp(-ops.abs(logits)))
    return ops.relu(logits) - logits * labels + rest


def _mean_over_time(losses, valid):
    num_frames = ops.maximum(ops.sum(valid, axis=-1), 1.0)
    return ops.sum(losses * valid, axis=-1) / num_frames
