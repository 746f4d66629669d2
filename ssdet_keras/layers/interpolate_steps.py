"""Steps of sequences at times between them."""

import keras

from ssdet_keras.layers.take_steps import take_steps


def interpolate_steps(inputs, positions, queries):
    """Interpolates each sequence of a batch linearly.

    Before the first position and after the last one, the ends are held. Where
    two steps share a position, the later one counts.

    Args:
        inputs: Tensor of shape `(batch, steps, ...)`.
        positions: Float32 tensor of shape `(batch, steps)` or `(1, steps)`, when
            the steps are. They don't decrease.
        queries: Float32 tensor of shape `(batch, queries)` or `(1, queries)`.

    Returns:
        Tensor of shape `(batch, queries, ...)`.
    """
    batch_size, num_steps, *sizes = keras.ops.shape(inputs)
    num_queries = keras.ops.shape(queries)[1]
    positions = keras.ops.broadcast_to(positions, (batch_size, num_steps))
    queries = keras.ops.broadcast_to(queries, (batch_size, num_queries))

    passed = positions[:, None] <= queries[:, :, None]
    before = keras.ops.sum(keras.ops.cast(passed, "int32"), axis=2) - 1
    start = take_steps(positions, before)
    length = take_steps(positions, before + 1) - start
    has_length = length > 0
    weight = (queries - start) / keras.ops.where(has_length, length, 1.0)
    weight = keras.ops.clip(keras.ops.where(has_length, weight, 0.0), 0.0, 1.0)
    weight = keras.ops.reshape(weight, (-1, num_queries, *[1] * len(sizes)))
    weight = keras.ops.cast(weight, inputs.dtype)
    x = take_steps(inputs, before)
    return x + weight * (take_steps(inputs, before + 1) - x)


def uniform_positions(num_steps):
    """Returns the positions of steps at equal distances, from 0 to 1.

    Args:
        num_steps: Integer or integer tensor.

    Returns:
        Float32 tensor of shape `(1, num_steps)`.
    """
    steps = keras.ops.arange(num_steps, dtype="float32")
    last = keras.ops.cast(keras.ops.maximum(num_steps - 1, 1), "float32")
    return steps[None] / last
