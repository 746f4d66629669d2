"""Mixing of frames on JAX."""

import jax
import jax.numpy as jnp

from ssdet_keras.ops.frames import split_passes


def is_on_host(x):
    """See `ssdet_keras.ops.frames`."""
    return not isinstance(x, jax.core.Tracer) and all(
        device.platform == "cpu" for device in x.devices()
    )


def mix_frames(videos, plans):
    """See `ssdet_keras.ops.frames`."""
    for plans_of_pass in split_passes(plans):
        videos = _mix_frames(videos, plans_of_pass)
    return videos


# XLA joins all of it to one loop over the output.
@jax.jit
def _mix_frames(videos, plans):
    num_clips, num_frames, height, width, channels = videos.shape
    # Columns and channels are one axis, so that the loop has a long inside.
    rows = videos.reshape(num_clips, num_frames, height, width * channels)
    clip = jnp.arange(num_clips)[:, None]
    frame = jnp.arange(num_frames)[None]
    shown = _show(rows, plans, clip, frame, None, channels)
    return shown.reshape(videos.shape)


def _show(rows, plans, clip, frame, column, channels):
    """Returns the given frames of what the plans show.

    Columns are `None` for all of them, or an array of `(batch, frames, width)`.
    """
    if not plans:
        shown = rows[clip, frame]
        if column is None:
            return shown
        index = column[..., None] * channels + jnp.arange(channels)
        index = index.reshape(*column.shape[:2], 1, -1)
        return jnp.take_along_axis(shown, index, axis=-1)

    *before, plan = plans
    plan = jax.tree.map(lambda x: x[clip, frame], plan)
    column_1 = column_2 = column
    if plan.move is not None:
        width = rows.shape[-1] // channels
        column_1 = _move(column, plan.move, width)
        column_2 = _move(column, -plan.move, width)
    first = _show(rows, before, plan.clip_1, plan.frame_1, column_1, channels)
    if plan.weight is None:
        return first
    second = _show(rows, before, plan.clip_2, plan.frame_2, column_2, channels)
    weight = plan.weight
    if weight.shape[-1] > 1:
        weight = jnp.repeat(weight, channels, axis=-1)
    return _mix(first, second, weight[:, :, None])


def _move(column, move, width):
    column = jnp.arange(width) if column is None else column
    return jnp.clip(column + move[..., None], 0, width - 1)


def _mix(frame_1, frame_2, weight):
    dtype = frame_1.dtype
    # Low precision is rounded once, at the end.
    wide = jnp.promote_types(dtype, "float32")
    weight = weight.astype(wide)
    mixed = weight * frame_1.astype(wide) + (1 - weight) * frame_2.astype(wide)
    if not jnp.issubdtype(dtype, jnp.floating):
        mixed = jnp.round(mixed)
    return mixed.astype(dtype)
