"""Temporal structure filters of super-events."""

import keras
from keras import ops

from ssdet_keras.layers.cauchy_filters import add_filter_weights
from ssdet_keras.layers.cauchy_filters import cauchy_filters
from ssdet_keras.layers.mask_steps import mask_steps


@keras.saving.register_keras_serializable(package="ssdet_keras")
class TemporalStructureFilter(keras.layers.Layer):
    """Averages the features of a video with filters that span all of it.

    Every filter is a bump at a learned place of the video, relative to its
    length, of a learned width in steps:

        f[t] ~ 1 / (1 + ((t - center) / width)^2)

                     . - .
                  .         .
        . . . -                 - . . .     filter, sums to 1
        |----------- video -----------|

    Args:
        num_filters: Positive integer. Defaults to `3`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, features)`.
        mask: Optional boolean tensor of shape `(batch, steps)`. The valid steps
            come first.

    Returns:
        Tensor of shape `(batch, num_filters, features)`.

    Raises:
        ValueError: If `num_filters` is not positive.

    Example:

    ```python
    layer = ssdet_keras.layers.TemporalStructureFilter()
    layer(np.ones((2, 40, 1024))).shape  # (2, 3, 1024)
    ```

    Reference:
        [Piergiovanni and Ryoo, 2018](https://arxiv.org/abs/1712.01938), section
        3.2. As in the authors' code, the width is `exp(1.5 - 2 |tanh(gamma)|)`.
        That code normalises over padding, too, so that its filters depend on
        the other videos of the batch; these do not. They are equal for a video
        without padding.
    """

    def __init__(self, num_filters=3, **kwargs):
        super().__init__(**kwargs)
        if num_filters < 1:
            raise ValueError(
                "`num_filters` must be a positive integer. "
                f"Received: num_filters={num_filters}"
            )
        self.num_filters = num_filters
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        add_filter_weights(self, self.num_filters)

    def call(self, inputs, mask=None):
        num_steps = ops.shape(inputs)[1]
        length = num_steps
        if mask is not None:
            length = ops.sum(
                ops.cast(mask, "float32"), axis=1, keepdims=True
            )
        filters = cauchy_filters(
            self.center,
            self.gamma,
            ops.cast(length, "float32"),
            num_steps,
            mask,
        )
        filters = ops.cast(filters, inputs.dtype)
        return ops.matmul(filters, mask_steps(inputs, mask))

    def compute_mask(self, inputs, previous_mask):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_filters, input_shape[2])

    def get_config(self):
        return {**super().get_config(), "num_filters": self.num_filters}
