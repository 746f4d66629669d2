"""Mixing of frames on JAX."""

import jax
import jax.numpy as jnp


# XLA joins all of it to one loop over the output.
@jax.jit
def mix_frames(videos, clip_1, frame_1, clip_2, frame_2, weight, move):
    """See `ssdet_keras.ops.frames`."""
    if weight is None:
        return videos[clip_1, frame_1]
    width, channels = videos.shape[3:]
    # Columns and channels are one axis, so that the loop has a long inside.
    rows = videos.reshape(*videos.shape[:3], width * channels)
    first, second = rows[clip_1, frame_1], rows[clip_2, frame_2]
    if move is not None:
        first = _move(first, move, channels)
        second = _move(second, -move, channels)
    if weight.shape[-1] > 1:
        weight = jnp.repeat(weight, channels, axis=-1)
    return _mix(first, second, weight[:, :, None]).reshape(videos.shape)


def _move(rows, move, channels):
    size = rows.shape[-1]
    column, channel = jnp.divmod(jnp.arange(size), channels)
    column = jnp.clip(column + move[..., None], 0, size // channels - 1)
    index = (column * channels + channel)[:, :, None]
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
