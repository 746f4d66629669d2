"""Mixing of frames on JAX."""

import jax
import jax.numpy as jnp


def is_on_host(x):
    """See `ssdet_keras.ops.frames`."""
    return not isinstance(x, jax.core.Tracer) and all(
        device.platform == "cpu" for device in x.devices()
    )


# XLA joins all of it to one loop over the output.
@jax.jit
def mix_frames(videos, plans):
    """See `ssdet_keras.ops.frames`."""
    num_clips, num_frames, height, width, channels = videos.shape
    # Columns and channels are one axis, so that the loop has a long inside.
    rows = videos.reshape(num_clips, num_frames, height, width * channels)
    for plan in plans:
        rows = _show(rows, plan, channels)
    return rows.reshape(videos.shape)


def _show(rows, plan, channels):
    first = _move(rows[plan.clip_1, plan.frame_1], plan.move, 1, channels)
    if plan.weight is None:
        return first
    second = _move(rows[plan.clip_2, plan.frame_2], plan.move, -1, channels)
    weight = plan.weight
    if weight.shape[-1] > 1:
        weight = jnp.repeat(weight, channels, axis=-1)
    return _mix(first, second, weight[:, :, None])


def _move(rows, move, sign, channels):
    if move is None:
        return rows
    width = rows.shape[-1] // channels
    column = jnp.arange(width) + sign * move[..., None]
    column = jnp.clip(column, 0, width - 1)
    index = column[..., None] * channels + jnp.arange(channels)
    index = index.reshape(*move.shape, 1, -1)
    return jnp.take_along_axis(rows, index, axis=-1)


def _mix(frame_1, frame_2, weight):
    dtype = frame_1.dtype
    # Low precision is rounded once, at the end.
    wide = jnp.promote_types(dtype, "float32")
    weight = weight.astype(wide)
    mixed = weight * frame_1.astype(wide) + (1 - weight) * frame_2.astype(wide)
    if not jnp.issubdtype(dtype, jnp.floating):
        mixed = jnp.round(mixed)
    return mixed.astype(dtype)
