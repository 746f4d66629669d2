"""Check of the shape that a layer is built with."""


def known_channels(input_shape):
    """Returns the last size of a shape of rank 5.

    Args:
        input_shape: Shape of videos, `(batch, frames, height, width,
            channels)`.

    Returns:
        Integer.

    Raises:
        ValueError: If the rank is not 5, or if the channels are unknown.
    """
    if len(input_shape) != 5 or input_shape[-1] is None:
        raise ValueError(
            "Inputs must be (batch, frames, height, width, channels), of which "
            "the channels must be known. "
            f"Received: input_shape={tuple(input_shape)}"
        )
    return input_shape[-1]
