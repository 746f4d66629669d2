"""Features of several temporal scales, as one."""

import keras
from keras import ops

from ssdet_keras.layers.mask_steps import mask_steps


@keras.saving.register_keras_serializable(package="ssdet_keras")
class TemporalScaleMixer(keras.layers.Layer):
    """Brings sequences of several temporal scales to the steps of the first.

        scale 1 -- linear -------------- + ---------------.
        scale 2 -- linear -- upsample -- + -------------.  |
        scale 3 -- linear -- upsample -- + -----------.  | |
                                         | linear      | | |
        scale 4 -- linear -- upsample ---+-------------- concatenate -- mixed

    The last, coarsest scale is added to each finer one, through a linear layer
    of its own. Without this addition the features are the unmixed ones.

    Upsampling is linear, with a step at the middle of the steps that it covers
    (`align_corners=False` of PyTorch), from the valid steps of a video to its
    valid steps.

    Args:
        units: Positive integer. Features of each scale.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: List of float tensors of shape `(batch, steps, features)`, the
            finest first.
        mask: Optional list of their masks, boolean tensors of shape `(batch,
            steps)`. The valid steps come first.

    Returns:
        Tuple of the mixed and the unmixed features. Both have the shape
        `(batch, steps, scales * units)`, the coarsest scale first.

    Raises:
        ValueError: If `units` is not positive.

    Example:

    ```python
    layer = ssdet_keras.layers.TemporalScaleMixer(512)
    mixed, unmixed = layer([np.ones((2, 256, 256)), np.ones((2, 128, 384))])
    mixed.shape  # (2, 256, 1024)
    ```

    Reference:
        [Dai et al., 2022](https://arxiv.org/abs/2112.03902), section 3.3. As in
        the authors' code, the coarsest scale is added, and the unmixed features
        are what the heat-map branch sees.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(
                f"`units` must be a positive integer. Received: units={units}"
            )
        self.units = units
        self.supports_masking = True

    def build(self, input_shape):
        self.projections = [
            self._dense(f"projection{i + 1}") for i in range(len(input_shape))
        ]
        for layer, shape in zip(self.projections, input_shape, strict=True):
            layer.build(shape)
        self.additions = [
            self._dense(f"addition{i + 1}") for i in range(len(input_shape) - 1)
        ]
        for layer in self.additions:
            layer.build((*input_shape[0][:-1], self.units))

    def call(self, inputs, mask=None):
        masks = [None] * len(inputs) if mask is None else mask
        scales = [
            layer(mask_steps(x, x_mask))
            for layer, x, x_mask in zip(
                self.projections, inputs, masks, strict=True
            )
        ]
        scales = [
            scales[0],
            *(
                _upsample(x, scales[0], x_mask, masks[0])
                for x, x_mask in zip(scales[1:], masks[1:], strict=True)
            ),
        ]
        *finer, coarsest = scales
        mixed = [
            x + layer(coarsest)
            for x, layer in zip(finer, self.additions, strict=True)
        ]
        return tuple(
            ops.concatenate([coarsest, *reversed(parts)], axis=-1)
            for parts in (mixed, finer)
        )

    def _dense(self, name):
        return keras.layers.Dense(
            self.units, dtype=self.dtype_policy, name=name
        )

    def compute_mask(self, inputs, previous_mask):
        return None

    def compute_output_shape(self, input_shape):
        batch, steps, _ = input_shape[0]
        shape = (batch, steps, len(input_shape) * self.units)
        return shape, shape

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def _upsample(x, target, mask, target_mask):
    """Interpolates valid steps of `x` to valid steps of `target`."""
    steps, target_steps = (
        ops.arange(ops.shape(tensor)[1], dtype="float32")
        for tensor in (x, target)
    )
    length, target_length = (
        _count_steps(*sequence) for sequence in ((x, mask), (target, target_mask))
    )
    position = (target_steps + 0.5) * (length / target_length) - 0.5
    position = ops.clip(position, 0.0, ops.maximum(length - 1, 0.0))
    # Each row has the weights of the two neighbours of a position.
    weights = ops.relu(1 - ops.abs(position[..., None] - steps))
    return ops.matmul(ops.cast(weights, x.dtype), x)


def _count_steps(x, mask):
    """Returns the number of valid steps, float32 of shape (batch or 1, 1)."""
    if mask is None:
        return ops.cast(ops.shape(x)[1], "float32") * ops.ones((1, 1))
    steps = ops.sum(ops.cast(mask, "float32"), axis=1, keepdims=True)
    return ops.maximum(steps, 1.0)
