"""Numerics on TensorFlow."""

import keras
import tensorflow as tf

from ssdet_keras.ops.convolution_shapes import output_length
from ssdet_keras.ops.convolution_shapes import padding_amounts


def depthwise_conv3d(x, kernel, strides=(1, 1, 1), padding="same"):
    """Convolves every channel with its own kernel over time and space.

    TensorFlow has no such operation, and its grouped `Conv3D` takes seconds.
    This is a sum of 2D depthwise convolutions, one per temporal tap.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`. All but
            the channels may be unknown in a graph.
        kernel: Tensor of shape `(k_frames, k_height, k_width, channels)`.
        strides: Three integers. Those of height and width must be equal.
        padding: `"same"` (`k // 2` zeros on both sides) or `"valid"`.

    Returns:
        Tensor of shape `(batch, new_frames, new_height, new_width, channels)`.
    """
    x = tf.convert_to_tensor(x)
    kernel = tf.convert_to_tensor(kernel)
    padding = padding_amounts(kernel.shape[:3], padding)
    if tuple(kernel.shape[1:3]) == (1, 1) and tuple(strides) == (1, 1, 1):
        return _temporal(x, kernel, padding[0])
    return _sum_of_taps(x, kernel, tuple(strides), padding)


def batch_normalization(x, gamma, beta, epsilon):
    """Normalises the channels of a batch by its own statistics.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`.
        gamma: Tensor of shape `(channels,)`.
        beta: Tensor of shape `(channels,)`.
        epsilon: Float.

    Returns:
        Tuple of the outputs, and the mean and the (biased) variance of the
        batch, without gradients.
    """
    shape = keras.ops.shape(x)
    images = tf.reshape(x, (-1, *shape[2:]))
    outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        images, gamma, beta, epsilon=epsilon, is_training=True
    )
    # TensorFlow's variance is the unbiased one.
    count = tf.cast(tf.size(x) // shape[-1], variance.dtype)
    variance = variance * (count - 1.0) / count
    return (
        tf.reshape(outputs, shape),
        tf.stop_gradient(mean),
        tf.stop_gradient(variance),
    )


def _temporal(x, kernel, padding):
    """Convolves over time alone: in 2D, over frames and flattened pixels."""
    batch, frames, height, width, channels = keras.ops.shape(x)
    y = tf.nn.depthwise_conv2d(
        tf.reshape(x, (batch, frames, height * width, channels)),
        tf.expand_dims(kernel[:, 0], -1),
        (1, 1, 1, 1),
        _pairs(padding, 0),
    )
    new_frames = output_length(frames, kernel.shape[0], 1, padding)
    return tf.reshape(y, (batch, new_frames, height, width, channels))


def _sum_of_taps(x, kernel, strides, padding):
    batch, frames, height, width, channels = keras.ops.shape(x)
    new_frames, new_height, new_width = (
        output_length(length, kernel.shape[axis], strides[axis], padding[axis])
        for axis, length in enumerate((frames, height, width))
    )
    # The same zeros. "SAME" is three times quicker in the backward pass.
    is_same = strides[1] == 1 and kernel.shape[1] // 2 == padding[1]
    is_same = is_same and kernel.shape[2] // 2 == padding[2]
    image_padding = "SAME" if is_same else _pairs(padding[1], padding[2])
    images = tf.reshape(x, (-1, height, width, channels))
    span = (new_frames - 1) * strides[0] + 1
    total = None
    for tap in range(kernel.shape[0]):
        y = tf.nn.depthwise_conv2d(
            images,
            tf.expand_dims(kernel[tap], -1),
            (1, strides[1], strides[2], 1),
            image_padding,
        )
        y = tf.reshape(y, (batch, frames, new_height, new_width, channels))
        y = _shift_frames(y, tap - padding[0], span, padding[0])
        if strides[0] > 1:
            y = y[:, :: strides[0]]
        total = y if total is None else total + y
    return total


def _shift_frames(x, start, length, padding):
    """Returns `length` frames from `start` on, with zeros outside of `x`."""
    if start == 0 and isinstance(length, int) and length == x.shape[1]:
        return x
    if padding and start:
        ends = (max(-start, 0), max(start, 0))
        x = tf.pad(x, ((0, 0), ends, (0, 0), (0, 0), (0, 0)))
    # The gradient of `x[:, start:stop]` is slower than the convolution, that
    # of `tf.slice` is a padding.
    return tf.slice(x, (0, max(start, 0), 0, 0, 0), (-1, length, -1, -1, -1))


def _pairs(first, second):
    return ((0, 0), (first, first), (second, second), (0, 0))
