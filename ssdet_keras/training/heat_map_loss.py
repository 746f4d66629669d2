"""Focal loss of heat maps."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ssdet_keras")
class HeatMapLoss(keras.losses.Loss):
    """Focal loss of heat maps with a peak of one at every centre.

        at centres, y = 1    - (1 - p)^2 log(p)
        elsewhere            - (1 - y)^4 p^2 log(1 - p)

    with y the heat map and p = sigmoid(logits), summed, and divided by the
    number of centres in the batch (or one). Frames with negative heat maps are
    ignored, as in `center_heat_maps` of labels of padding.

    Args:
        name: String. Defaults to `"heat_map_loss"`.
        **kwargs: Keyword arguments of `keras.losses.Loss`, such as
            `reduction`.

    Call arguments:
        y_true: Float heat maps, shape `(batch, frames, classes)`: see
            `center_heat_maps`.
        y_pred: Logits of the same shape.

    Returns:
        A scalar, with the default reduction.

    Reference:
        [Dai et al., 2022](https://arxiv.org/abs/2112.03902), section 3.4, with
        a weight of 0.05 beside the cross-entropy. The authors' code compares
        the prediction of each video with the heat maps of all videos of a
        batch, an oversight; here it is compared with its own.
    """

    def __init__(self, name="heat_map_loss", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        logits = ops.cast(y_pred, "float32")
        target = ops.cast(y_true, "float32")
        valid = ops.cast(target >= 0, "float32")
        is_center = ops.cast(target >= 1, "float32")
        probability = ops.sigmoid(logits)
        at_centers = (1 - probability) ** 2 * ops.softplus(-logits)
        elsewhere = (1 - target) ** 4 * probability**2 * ops.softplus(logits)
        losses = is_center * at_centers + (1 - is_center) * elsewhere
        num_centers = ops.maximum(ops.sum(is_center), 1.0)
        # The mean over the batch gives the sum over it.
        batch = ops.cast(ops.shape(losses)[0], "float32")
        return ops.sum(losses * valid, axis=(1, 2)) * batch / num_centers
