"""Average pooling of frames to a fixed size."""

import keras


@keras.saving.register_keras_serializable(package="ssdet_keras")
class SpatialPooling(keras.layers.Layer):
    r"""Averages every frame to a fixed height and width, whatever its size.

    Of n rows, row i of the outputs is the mean of rows `floor(i n / size)` to
    `ceil((i + 1) n / size) - 1`. From 8 rows to 3, and from 2 to 3:

        rows      0  1  2  3  4  5  6  7         0     1
                  '--+--'  '---+----'            |\   /|
                     |  '--+--'                  | '.' |
        outputs      0     1   2                 0  1  2

    This is `torch.nn.AdaptiveAvgPool3d((None, size, size))`, and
    `keras.layers.AdaptiveAveragePooling2D` for sizes that are not known before.

    Args:
        size: Positive integer. Height and width of the outputs.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.

    Returns:
        Tensor of shape `(batch, frames, size, size, channels)`.

    Raises:
        ValueError: If `size` is not positive.

    Example:

    ```python
    layer = ssdet_keras.layers.SpatialPooling(7)
    layer(np.ones((2, 16, 56, 56, 24))).shape  # (2, 16, 7, 7, 24)
    ```
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        if size < 1:
            raise ValueError(
                f"`size` must be a positive integer. Received: size={size}"
            )
        self.size = size

    def call(self, inputs):
        return pool_space(inputs, self.size, self.size)

    def compute_output_shape(self, input_shape):
        batch, frames, _, _, channels = input_shape
        return (batch, frames, self.size, self.size, channels)

    def get_config(self):
        return {**super().get_config(), "size": self.size}


def pool_space(inputs, height, width):
    """Averages every frame to a height and width, as `SpatialPooling`."""
    _, _, num_rows, num_columns, _ = keras.ops.shape(inputs)
    rows = _weights_of_means(num_rows, height, inputs.dtype)
    columns = _weights_of_means(num_columns, width, inputs.dtype)
    # One axis after the other: einsum of three is slower on some backends.
    x = keras.ops.einsum("ih,bthwc->btiwc", rows, inputs)
    return keras.ops.einsum("jw,btiwc->btijc", columns, x)


def _weights_of_means(num_inputs, num_outputs, dtype):
    """Returns a matrix of shape `(num_outputs, num_inputs)`."""
    outputs = keras.ops.arange(num_outputs, dtype="int32")[:, None]
    inputs = keras.ops.arange(num_inputs, dtype="int32")
    first = outputs * num_inputs // num_outputs
    last = ((outputs + 1) * num_inputs - 1) // num_outputs
    is_in = keras.ops.logical_and(first <= inputs, inputs <= last)
    return keras.ops.cast(is_in, dtype) / keras.ops.cast(last - first + 1, dtype)
