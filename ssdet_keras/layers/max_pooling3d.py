"""Maxima over time and space."""

import keras

from ssdet_keras import ops as ssdet_ops
from ssdet_keras.layers.three_integers import three_integers
from ssdet_keras.ops.convolution_shapes import new_lengths


@keras.saving.register_keras_serializable(package="ssdet_keras")
class MaxPooling3D(keras.layers.Layer):
    """Largest values of windows of videos, quick on every backend.

    It is what `keras.layers.MaxPooling3D` computes, with the padding of PyTorch
    or of TensorFlow under every backend. What is padded is never the largest.

    Args:
        pool_size: Integer, or three integers for frames, height and width.
        strides: Integer, or three integers.
        padding: `"same"`, `"valid"` or `"tensorflow"`, as of
            `ssdet_keras.layers.Conv3D`. Defaults to `"same"`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.

    Returns:
        Tensor of shape `(batch, new_frames, new_height, new_width, channels)`.

    Raises:
        ValueError: If an argument is out of range, or if the inputs are not of
            rank 5 or smaller than the window.

    Example:

    ```python
    layer = ssdet_keras.layers.MaxPooling3D((1, 3, 3), (1, 2, 2))
    layer(np.ones((2, 16, 56, 56, 64))).shape  # (2, 16, 28, 28, 64)
    ```
    """

    def __init__(self, pool_size, strides, padding="same", **kwargs):
        super().__init__(**kwargs)
        self.pool_size = three_integers(pool_size, "pool_size")
        self.strides = three_integers(strides, "strides")
        self.padding = padding
        self.input_spec = keras.layers.InputSpec(ndim=5)
        self._new_lengths((None, None, None))  # checks `padding`

    def call(self, inputs):
        self.compute_output_shape(inputs.shape)  # checks it
        return ssdet_ops.max_pool3d(
            inputs, self.pool_size, self.strides, self.padding
        )

    def compute_output_shape(self, input_shape):
        lengths = self._new_lengths(input_shape[1:4])
        return (input_shape[0], *lengths, input_shape[-1])

    def _new_lengths(self, lengths):
        return new_lengths(lengths, self.pool_size, self.strides, self.padding)

    def get_config(self):
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
        }
