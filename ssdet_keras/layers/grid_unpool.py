"""Grid Unpool of Coarse-Fine Networks."""

import keras

from ssdet_keras.layers.interpolate_steps import interpolate_steps
from ssdet_keras.layers.interpolate_steps import uniform_positions


@keras.saving.register_keras_serializable(package="ssdet_keras")
class GridUnpool(keras.layers.Layer):
    """Gives the outputs of `GridPool` back their time.

    Steps are at the positions that `GridPool` sampled. They are interpolated
    linearly at as many positions at equal distances:

        positions   0                .474      .737 .789       1
        inputs      0                 1          2  3          4
                    |       .---------'    .-----'            |
        outputs     0       1              2            3     4
        positions   0      .25            .5           .75    1

    A ramp of time, sampled by `GridPool`, is thus a ramp again.

    Args:
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, ...)`.
        positions: Float32 tensor of shape `(batch, steps)`, from 0 to 1, that
            do not decrease.

    Returns:
        Tensor of the shape of `inputs`. `TemporalUpsampling` with
        `align_corners=True` brings it to the frame rate.

    Example:

    ```python
    pooled, positions = ssdet_keras.layers.GridPool()(features)
    unpooled = ssdet_keras.layers.GridUnpool()(pooled, positions)
    ```

    Reference:
        [Kahatapitiya and Ryoo, 2021](https://arxiv.org/abs/2103.01302),
        "Grid Unpool".
    """

    def __init__(self, **kwargs):
        # Positions are float32 in low precision, too.
        super().__init__(autocast=False, **kwargs)

    def call(self, inputs, positions):
        inputs = keras.ops.cast(inputs, self.compute_dtype)
        uniform = uniform_positions(keras.ops.shape(inputs)[1])
        return interpolate_steps(inputs, positions, uniform)

    def compute_output_shape(self, inputs_shape, positions_shape):
        return inputs_shape
