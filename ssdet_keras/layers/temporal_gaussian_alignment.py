"""Temporal alignment of Coarse-Fine Networks."""

import keras


@keras.saving.register_keras_serializable(package="ssdet_keras")
class TemporalGaussianAlignment(keras.layers.Layer):
    """Averages features around points in time.

    Features of one step, of another stream, are brought to the steps of this
    one. Each mean is weighted by a Gaussian around the time of its step, as
    wide as an eighth of the valid features, so that also what is further away
    is seen:

        features    0 1 2 3 4 5 6 7 8 9 a b c d e f - -     valid: 16
                      .-'|'-.                               deviation: 2
        weights    .-'   |   '-.
        centers         2.3           8.1 9.0        f
        outputs          0             1   2         3

    Args:
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        features: Float tensor of shape `(batch, steps, height, width,
            channels)`.
        centers: Float32 tensor of shape `(batch, outputs)`. Where the outputs
            are, in steps of the features.
        mask: Tensor of shape `(batch, steps)`, 1 at valid steps.
        attention: Optional float tensor of shape `(batch, steps, height, width,
            1)`, not negative. Further weights of the means.

    Returns:
        Tensor of shape `(batch, outputs, height, width, channels)`.

    Example:

    ```python
    layer = ssdet_keras.layers.TemporalGaussianAlignment()
    layer(
        np.ones((1, 40, 7, 7, 24)), centers=[[2.3, 8.1]], mask=np.ones((1, 40))
    ).shape  # (1, 2, 7, 7, 24)
    ```

    Reference:
        [Kahatapitiya and Ryoo, 2021](https://arxiv.org/abs/2103.01302),
        "Multi-stage Fusion".
    """

    def __init__(self, **kwargs):
        # Centers are float32 in low precision, too, and so are the means, of
        # which some are over hundreds of steps.
        super().__init__(autocast=False, **kwargs)

    def call(self, features, centers, mask, attention=None):
        gaussians = self.gaussians(centers, mask)
        values = keras.ops.cast(features, "float32")
        if attention is None:
            attention = keras.ops.ones_like(values[..., :1])
        attention = keras.ops.cast(attention, "float32")
        sums, weights = (
            keras.ops.einsum("bnt,bthwc->bnhwc", gaussians, x)
            for x in (values * attention, attention)
        )
        means = sums / keras.ops.maximum(weights, 1e-20)
        return keras.ops.cast(means, self.compute_dtype)

    def gaussians(self, centers, mask):
        """Returns the weights of the steps, without attention.

        Args:
            centers: As in a call.
            mask: As in a call.

        Returns:
            Float32 tensor of shape `(batch, outputs, steps)`, 0 at invalid
            steps, with maxima of 1.
        """
        centers = keras.ops.cast(centers, "float32")
        is_valid = keras.ops.cast(mask, "bool")
        length = keras.ops.sum(
            keras.ops.cast(is_valid, "float32"), axis=1, keepdims=True
        )
        deviation = keras.ops.maximum(length, 1.0)[:, None] / 8
        steps = keras.ops.arange(keras.ops.shape(mask)[1], dtype="float32")
        exponents = -keras.ops.square(
            (steps - centers[..., None]) / deviation
        ) / 2
        # The largest is 0 before `exp`: centers far from all steps have
        # weights.
        exponents = keras.ops.where(is_valid[:, None], exponents, -1e30)
        highest = keras.ops.max(exponents, axis=2, keepdims=True)
        return keras.ops.exp(exponents - keras.ops.stop_gradient(highest))

    def compute_output_shape(
        self,
        features_shape,
        centers_shape,
        mask_shape=None,
        attention_shape=None,
    ):
        return (*centers_shape, *features_shape[2:])
