"""A sequence, shifted in time."""

from keras import ops


def temporal_taps(inputs, num_taps, dilation=1):
    """Returns what the taps of a centred temporal kernel see.

    Beyond its ends the sequence is zero. For three taps and dilation 2:

        inputs   a b c d e
        tap 0    0 0 a b c
        tap 1    a b c d e
        tap 2    c d e 0 0

    A sum over shifted sequences is quick on every backend, where a grouped or
    dilated convolution is not.

    Args:
        inputs: Float tensor of shape `(batch, steps, channels)`.
        num_taps: Odd positive integer.
        dilation: Positive integer. Steps from one tap to the next. Defaults to
            `1`.

    Returns:
        List of `num_taps` tensors of the shape of `inputs`.
    """
    reach = dilation * (num_taps - 1)
    padded = ops.pad(inputs, ((0, 0), (reach // 2, reach // 2), (0, 0)))
    # No number of steps is needed, which a graph may not know.
    return [
        padded[:, offset : (offset - reach) or None]
        for offset in range(0, reach + 1, dilation)
    ]
