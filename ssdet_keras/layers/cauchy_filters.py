"""Temporal filters in the shape of the Cauchy distribution."""

import math

import keras

from keras import ops


def cauchy_filters(center, gamma, length, num_steps, mask=None):
    """Returns the filters of super-events and temporal Gaussian mixtures.

        center   c = (length - 1) (tanh(center) + 1) / 2
        width    g = exp(1.5 - 2 |tanh(gamma)|)
        filter   f[t] = 1 / (pi g (1 + ((t - c) / g)^2)), and sums to 1 over t

    Args:
        center: Float tensor of shape `(filters,)`.
        gamma: Float tensor of shape `(filters,)`.
        length: Float tensor of shape `(batch, 1)`, or a number. Steps of the
            video or of the kernel.
        num_steps: Integer, or integer tensor. Steps of the filters.
        mask: Optional tensor of shape `(batch, steps)`, zero at padding, where
            filters are zero.

    Returns:
        Float32 tensor of shape `(batch, filters, steps)`, or `(filters,
        steps)` if `length` is a number.
    """
    center = (length - 1) * (ops.tanh(center) + 1) / 2
    width = ops.exp(1.5 - 2 * ops.abs(ops.tanh(gamma)))[:, None]
    distance = ops.arange(num_steps, dtype="float32") - center[..., None]
    filters = 1 / (math.pi * width * (1 + (distance / width) ** 2))
    if mask is not None:
        filters = filters * ops.cast(mask, "float32")[:, None]
    return filters / (ops.sum(filters, axis=-1, keepdims=True) + 1e-6)


def add_filter_weights(layer, num_filters):
    """Gives a layer the weights `center` and `gamma`, initialized as published.

    They stay float32 in mixed precision: a position in a long video has more
    digits than bfloat16.

    Args:
        layer: Keras layer that is being built.
        num_filters: Positive integer.
    """
    for name, deviation in (("center", 0.5), ("gamma", 1e-4)):
        weight = layer.add_weight(
            name=name,
            shape=(num_filters,),
            initializer=keras.initializers.RandomNormal(stddev=deviation),
            autocast=False,
        )
        setattr(layer, name, weight)
