"""Multi-stage Fusion of Coarse-Fine Networks."""

import keras

from ssdet_keras.layers.known_channels import known_channels


@keras.saving.register_keras_serializable(package="ssdet_keras")
class MultiStageFusion(keras.layers.Layer):
    """Scales and shifts a stage of Coarse by what all stages of Fine say.

        shifts  24 + 48 + 96 + 192 -- resize -- 1x1 ------------.
        scales  24 + 48 + 96 + 192 -- resize -- 1x1 - sigmoid   |
                                                         |      |
        inputs ----------------------------------------- x ---- + -- outputs

    Resizing is adaptive max pooling, `torch.nn.AdaptiveMaxPool3d((None, height,
    width))`: to more pixels than there are, a pixel is repeated, and between
    two of them their maximum is seen. The 1x1 convolutions act before pixels
    are repeated, which is the same, and cheaper:

        7 columns           |   a   |   b   |   c   | ...
        13 maxima           a  ab   b  bc   c  ...
        16 columns          a   a  ab   b   b  bc  ...

    Args:
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, height, width, channels)`,
            a stage of Coarse.
        shifts: List of float tensors, one per stage of Fine, of shapes `(batch,
            steps, rows, columns, stage channels)`, of `FineModulation`.
        scales: As `shifts`.

    Returns:
        Tensor of the shape of `inputs`.

    Raises:
        ValueError: If the inputs are not of rank 5 or have unknown channels.

    Example:

    ```python
    layer = ssdet_keras.layers.MultiStageFusion()
    stages = [np.ones((1, 5, 7, 7, n)) for n in (24, 48, 96, 192)]
    layer(np.ones((1, 5, 56, 56, 24)), stages, stages).shape
    ```

    Reference:
        [Kahatapitiya and Ryoo, 2021](https://arxiv.org/abs/2103.01302),
        "Multi-stage Fusion".
    """

    def build(self, inputs_shape, shifts_shape, scales_shape):
        channels = known_channels(inputs_shape)
        # Pixels, and the pairs of neighbours that are mixed with them.
        sizes = [
            None if None in pair else 2 * min(pair) - 1
            for pair in zip(
                inputs_shape[2:4], shifts_shape[0][2:4], strict=True
            )
        ]
        for name, activation, shapes in (
            ("shift", None, shifts_shape),
            ("scale", "sigmoid", scales_shape),
        ):
            layer = keras.layers.Dense(
                channels, activation, dtype=self.dtype_policy, name=name
            )
            mixed = sum(map(known_channels, shapes))
            layer.build((*inputs_shape[:2], *sizes, mixed))
            setattr(self, name, layer)

    def call(self, inputs, shifts, scales):
        height, width = keras.ops.shape(inputs)[2:4]
        shift, scale = (
            _resize(
                keras.ops.concatenate(maps, axis=-1), (height, width), mix
            )
            for maps, mix in ((shifts, self.shift), (scales, self.scale))
        )
        return inputs * scale + shift

    def compute_output_shape(self, inputs_shape, shifts_shape, scales_shape):
        return inputs_shape


def _resize(x, sizes, mix):
    """Returns `mix` of an adaptive max pooling of the axes 2 and 3."""
    indices = []
    for axis, size in zip((2, 3), sizes, strict=True):
        x = _shrink(x, axis, size)
        first, last = _windows(keras.ops.shape(x)[axis], size)
        pairs = keras.ops.maximum(
            _slice(x, axis, slice(None, -1)), _slice(x, axis, slice(1, None))
        )
        single = keras.ops.shape(x)[axis]
        indices.append(keras.ops.where(first == last, first, single + first))
        x = keras.ops.concatenate([x, pairs], axis=axis)
    x = mix(x)
    for axis, index in zip((2, 3), indices, strict=True):
        x = keras.ops.take(x, index, axis=axis)
    return x


def _windows(num_inputs, num_outputs):
    """Returns the first and the last input of each output, as PyTorch's."""
    outputs = keras.ops.arange(num_outputs, dtype="int32")
    first = outputs * num_inputs // num_outputs
    return first, ((outputs + 1) * num_inputs - 1) // num_outputs


def _shrink(x, axis, size):
    """Pools an axis to a size, unless it is not larger."""
    num_inputs = keras.ops.shape(x)[axis]
    # In a TensorFlow graph either can be a tensor.
    if not (isinstance(num_inputs, int) and isinstance(size, int)):
        size = keras.ops.minimum(num_inputs, size)
    elif num_inputs <= size:
        return x
    first, last = _windows(num_inputs, size)
    inputs = keras.ops.arange(num_inputs, dtype="int32")
    is_in = keras.ops.logical_and(
        first[:, None] <= inputs, inputs <= last[:, None]
    )
    is_in = keras.ops.reshape(
        is_in, (-1, num_inputs, *[1] * (len(x.shape) - axis - 1))
    )
    x = keras.ops.expand_dims(x, axis)
    return keras.ops.max(
        keras.ops.where(is_in, x, keras.ops.cast(float("-inf"), x.dtype)),
        axis=axis + 1,
    )


def _slice(x, axis, part):
    return x[(slice(None),) * axis + (part,)]
