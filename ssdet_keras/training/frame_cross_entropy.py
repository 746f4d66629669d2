"""Cross-entropy of all classes of every frame."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ssdet_keras")
class FrameCrossEntropy(keras.losses.Loss):
    """Binary cross-entropy, summed over classes, averaged over frames.

        sum_btk BCE(logits[b, t, k], labels[b, t, k]) / number of frames

    The frames are those of the whole batch: with the default reduction, a
    longer video counts more. Frames with negative labels are ignored: mark
    padding with -1.

    Args:
        name: String. Defaults to `"frame_cross_entropy"`.
        **kwargs: Keyword arguments of `keras.losses.Loss`, such as
            `reduction`.

    Call arguments:
        y_true: Float labels, shape `(batch, frames, classes)`.
        y_pred: Logits of the same shape.

    Returns:
        A scalar, with the default reduction.

    Reference:
        The released code of super-events, temporal Gaussian mixtures, PDAN and
        [MS-TCT](https://arxiv.org/abs/2112.03902). The last one also counts the
        cross-entropy of padding, with zero labels.
    """

    def __init__(self, name="frame_cross_entropy", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        logits = ops.cast(y_pred, "float32")
        labels = ops.cast(y_true, "float32")
        valid = ops.cast(ops.all(labels >= 0, axis=-1), "float32")
        losses = ops.sum(
            ops.binary_crossentropy(
                ops.maximum(labels, 0.0), logits, from_logits=True
            ),
            axis=-1,
        )
        # The mean over the batch gives the mean over its frames.
        return ops.sum(losses * valid, axis=1) / ops.maximum(
            ops.mean(ops.sum(valid, axis=1)), 1e-9
        )
