"""Checks of arguments."""

import numpy as np


def check_integer(name, value, lowest):
    """Raises an error unless an argument is an integer that is large enough."""
    if isinstance(value, bool) or not (
        isinstance(value, int | np.integer) and value >= lowest
    ):
        raise ValueError(
            f"`{name}` must be an integer of at least {lowest}. "
            f"Received: {name}={value!r}"
        )
