"""Mixing of frames on TensorFlow."""

import tensorflow as tf


def mix_frames(videos, clip_1, frame_1, clip_2, frame_2, weight, move):
    """See `ssdet_keras.ops.frames`."""
    if weight is None:
        output = tf.reshape(_take(videos, clip_1, frame_1), tf.shape(videos))
    else:
        output = _mix_frames(
            videos, clip_1, frame_1, clip_2, frame_2, weight, move
        )
    # A function of relaxed shapes forgets them.
    return tf.ensure_shape(output, videos.shape)


# XLA joins all of it to one loop over the output.
@tf.function(jit_compile=True, reduce_retracing=True)
def _mix_frames(videos, clip_1, frame_1, clip_2, frame_2, weight, move):
    shape = tf.shape(videos)
    # Columns and channels are one axis, so that the loop has a long inside.
    rows = tf.reshape(
        videos, (shape[0], shape[1], shape[2], shape[3] * shape[4])
    )
    first = _take(rows, clip_1, frame_1)
    second = _take(rows, clip_2, frame_2)
    if move is not None:
        first = _move(first, move, shape[4])
        second = _move(second, -move, shape[4])
    if weight.shape[-1] != 1:
        # Of a relaxed shape it may be one weight for all columns, too.
        weight = tf.broadcast_to(weight, (shape[0], shape[1], shape[3]))
        weight = tf.repeat(weight, shape[4], axis=-1)
    weight = tf.reshape(weight, (-1, 1, tf.shape(weight)[-1]))
    return tf.reshape(_mix(first, second, weight), shape)


def _take(videos, clip, frame):
    """Returns the frames of all clips along one axis."""
    shape = tf.shape(videos)
    frames = tf.reshape(videos, tf.concat([[-1], shape[2:]], 0))
    return tf.gather(frames, tf.reshape(clip * shape[1] + frame, [-1]))


def _move(rows, move, channels):
    size = tf.shape(rows)[-1]
    index = tf.range(size)
    column = index // channels + tf.reshape(move, (-1, 1))
    column = tf.clip_by_value(column, 0, size // channels - 1)
    index = column * channels + index % channels
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
