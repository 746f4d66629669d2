"""Which part of a frame is shown."""


def centre_box(height, width, crop_scale):
    """Returns the square in the centre of a frame as a box.

    Args:
        height: Integer. Height of the frame.
        width: Integer. Width of the frame.
        crop_scale: Float. Side of the square, as a share of the short side.

    Returns:
        Tuple `(top, left, height, width)` in pixels.
    """
    side = _side(height, width, crop_scale)
    return (height - side) // 2, (width - side) // 2, side, side


def random_box(height, width, crop_scale, rng):
    """Draws a square at a random place of a frame as a box.

    Args:
        height: Integer. Height of the frame.
        width: Integer. Width of the frame.
        crop_scale: Tuple of floats. The range of the side of the square, as a
            share of the short side. As in the usual recipe, the side to which
            the frame would be resized is drawn uniformly, not the share.
        rng: `numpy.random.Generator`.

    Returns:
        Tuple `(top, left, height, width)` in pixels.
    """
    low, high = crop_scale
    side = _side(height, width, 1 / rng.uniform(1 / high, 1 / low))
    top = rng.integers(0, height - side, endpoint=True)
    left = rng.integers(0, width - side, endpoint=True)
    return int(top), int(left), side, side


def _side(height, width, crop_scale):
    return max(1, round(min(height, width) * crop_scale))
