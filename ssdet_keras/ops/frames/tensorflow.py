"""Mixing of frames on TensorFlow."""

import tensorflow as tf


def is_on_host(x):
    """See `ssdet_keras.ops.frames`."""
    return tf.executing_eagerly() and "CPU" in x.device


def mix_frames(videos, plans):
    """See `ssdet_keras.ops.frames`."""
    shape = videos.shape
    if all(plan.weight is None for plan in plans):
        return tf.ensure_shape(_copy_frames(videos, plans), shape)
    # A function of relaxed shapes forgets them.
    return tf.ensure_shape(_mix_frames(videos, plans), shape)


def _copy_frames(videos, plans):
    shape = tf.shape(videos)
    index = tf.range(shape[0] * shape[1])
    for plan in reversed(plans):
        clip, frame = (tf.reshape(x, [-1]) for x in plan[:2])
        index = tf.gather(clip * shape[1] + frame, index)
    frames = tf.reshape(videos, tf.concat([[-1], shape[2:]], 0))
    return tf.reshape(tf.gather(frames, index), shape)


# XLA joins all of it to one loop over the output.
@tf.function(jit_compile=True, reduce_retracing=True)
def _mix_frames(videos, plans):
    shape = tf.shape(videos)
    # Frames of all clips are one axis. So are columns and channels, so that
    # the loop has a long inside.
    rows = tf.reshape(
        videos, (shape[0] * shape[1], shape[2], shape[3] * shape[4])
    )
    for plan in plans:
        rows = _show(rows, plan, shape)
    return tf.reshape(rows, shape)


def _show(rows, plan, shape):
    clip_1, frame_1, clip_2, frame_2, weight, move = (
        None if x is None else _flatten(x) for x in plan[:6]
    )
    first = tf.gather(rows, clip_1 * shape[1] + frame_1)
    first = _move(first, move, 1, shape)
    if weight is None:
        return first
    second = tf.gather(rows, clip_2 * shape[1] + frame_2)
    second = _move(second, move, -1, shape)
    if weight.shape[-1] != 1:
        # Of a relaxed shape it may be one weight for all columns, too.
        weight = tf.broadcast_to(weight, (shape[0] * shape[1], shape[3]))
        weight = tf.repeat(weight, shape[4], axis=-1)
    return _mix(first, second, weight[:, None])


def _flatten(x):
    """Joins the clips and their frames to one axis."""
    return tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0))


def _move(rows, move, sign, shape):
    if move is None:
        return rows
    column = tf.range(shape[3]) + sign * move[:, None]
    column = tf.clip_by_value(column, 0, shape[3] - 1)
    index = column[..., None] * shape[4] + tf.range(shape[4])
    index = tf.reshape(index, (shape[0] * shape[1], -1))
    rows = tf.transpose(rows, (0, 2, 1))
    return tf.transpose(tf.gather(rows, index, batch_dims=1), (0, 2, 1))


def _mix(frame_1, frame_2, weight):
    dtype = frame_1.dtype
    # Low precision is rounded once, at the end.
    wide = tf.float64 if dtype == tf.float64 else tf.float32
    weight = tf.cast(weight, wide)
    frame_1, frame_2 = tf.cast(frame_1, wide), tf.cast(frame_2, wide)
    mixed = weight * frame_1 + (1 - weight) * frame_2
    return tf.cast(mixed if dtype.is_floating else tf.round(mixed), dtype)
