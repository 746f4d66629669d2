"""Steps of sequences at positions of their own."""

import keras


def take_steps(inputs, positions):
    """Returns some steps of each sequence of a batch.

    Args:
        inputs: Tensor of shape `(batch, steps, ...)`.
        positions: Integer tensor of shape `(batch, positions)`. Those before
            the first step, or after the last one, are taken for these.

    Returns:
        Tensor of shape `(batch, positions, ...)`.
    """
    batch_size, steps, *sizes = keras.ops.shape(inputs)
    positions = keras.ops.clip(positions, 0, steps - 1)
    first = keras.ops.arange(batch_size, dtype=positions.dtype) * steps
    sequence = keras.ops.reshape(inputs, (-1, *sizes))
    return keras.ops.take(sequence, first[:, None] + positions, axis=0)
