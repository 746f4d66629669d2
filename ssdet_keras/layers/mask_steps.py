"""Zeros in place of padding."""

from keras import ops


def mask_steps(inputs, mask):
    """Returns a sequence with zeros where it is padding, whatever is there.

    Args:
        inputs: Float tensor of shape `(batch, steps, ...)`.
        mask: Tensor of shape `(batch, steps)`, zero at padding, or `None`.

    Returns:
        Tensor of the shape of `inputs`.
    """
    if mask is None:
        return inputs
    mask = ops.cast(mask, "bool")
    for _ in inputs.shape[2:]:
        mask = ops.expand_dims(mask, axis=-1)
    # Not a product: padding may be infinite, or not a number.
    return ops.where(mask, inputs, ops.zeros_like(inputs))
