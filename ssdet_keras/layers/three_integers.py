"""Sizes of three axes."""


def three_integers(value, name):
    """Returns three positive integers.

    Args:
        value: Integer, for all three, or three integers.
        name: String. Name of the argument, for the error.

    Returns:
        Tuple of integers.

    Raises:
        ValueError: If `value` is anything else.
    """
    values = (value,) * 3 if isinstance(value, int) else tuple(value)
    if len(values) != 3 or not all(
        isinstance(v, int) and v >= 1 for v in values
    ):
        raise ValueError(
            f"`{name}` must be a positive integer or three of them. "
            f"Received: {name}={value}"
        )
    return values
