"""Numerics on TensorFlow."""

import keras
import tensorflow as tf

from ssdet_keras.ops.convolution_shapes import output_length
from ssdet_keras.ops.convolution_shapes import padding_amounts


def depthwise_conv3d(x, kernel, bias=None, strides=(1, 1, 1), padding="same"):
    """Convolves every channel with its own kernel over time and space.

    TensorFlow has no such operation, and its grouped `Conv3D` takes seconds.
    This is a sum of 2D depthwise convolutions, one per temporal tap.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`. All but
            the channels may be unknown in a graph.
        kernel: Tensor of shape `(k_frames, k_height, k_width, channels)`.
        bias: Optional tensor of shape `(channels,)`.
        strides: Three integers. Those of height and width must be equal.
        padding: `"same"` (`k // 2` zeros on both sides) or `"valid"`.

    Returns:
        Tensor of shape `(batch, new_frames, new_height, new_width, channels)`.
    """
    x = tf.convert_to_tensor(x)
    padding = padding_amounts(kernel.shape[:3], padding)
    if tuple(kernel.shape[1:3]) == (1, 1) and tuple(strides) == (1, 1, 1):
        return _temporal(x, kernel, bias, padding[0])
    return _sum_of_taps(x, kernel, bias, tuple(strides), padding)


def pointwise_conv3d(x, kernel, bias=None, stride=1):
    """Mixes the channels of every `stride`-th pixel of every frame.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`.
        kernel: Tensor of shape `(channels, filters)`.
        bias: Optional tensor of shape `(filters,)`.
        stride: Integer, of height and width.

    Returns:
        Tensor of shape `(batch, frames, new_height, new_width, filters)`, where
        the new sizes are `ceil(size / stride)`.
    """
    batch, frames, height, width, channels = keras.ops.shape(x)
    if stride > 1:
        images = tf.reshape(x, (-1, height, width, channels))
        y = tf.nn.conv2d(images, kernel[None, None], stride, "VALID")
        height, width = (
            output_length(size, 1, stride, 0) for size in (height, width)
        )
    else:
        y = tf.matmul(tf.reshape(x, (-1, channels)), kernel)
    if bias is not None:
        y = tf.nn.bias_add(y, bias)
    return tf.reshape(y, (batch, frames, height, width, kernel.shape[-1]))


def spatial_conv3d(x, kernel, stride=1):
    """Convolves every frame with one 2D kernel.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`.
        kernel: Tensor of shape `(k, k, channels, filters)`, with odd `k`.
            `k // 2` zeros are added on all sides.
        stride: Integer, of height and width.

    Returns:
        Tensor of shape `(batch, frames, new_height, new_width, filters)`, where
        the new sizes are `ceil(size / stride)`.
    """
    batch, frames, height, width, channels = keras.ops.shape(x)
    half = kernel.shape[0] // 2
    y = tf.nn.conv2d(
        tf.reshape(x, (-1, height, width, channels)),
        kernel,
        stride,
        _pairs(half, half),
    )
    height, width = (
        output_length(size, 1, stride, 0) for size in (height, width)
    )
    return tf.reshape(y, (batch, frames, height, width, kernel.shape[-1]))


def batch_normalization(x, gamma, beta, epsilon, rectify=False):
    """Normalises the channels of a batch by its own statistics.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`.
        gamma: Tensor of shape `(channels,)`.
        beta: Tensor of shape `(channels,)`.
        epsilon: Float.
        rectify: Boolean. Whether a ReLU follows.

    Returns:
        Tuple of the outputs, and the mean and the (biased) variance of the
        batch, without gradients.
    """
    shape = keras.ops.shape(x)
    images = tf.reshape(x, (-1, *shape[2:]))
    count = tf.cast(tf.size(x) // shape[-1], "float32")
    if x.dtype == tf.float32 and not tf.config.list_logical_devices("GPU"):
        outputs, mean, variance = _normalize(
            images, gamma, beta, epsilon, rectify, count
        )
    else:
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            images,
            tf.cast(gamma, "float32"),
            tf.cast(beta, "float32"),
            epsilon=epsilon,
            is_training=True,
        )
        # TensorFlow's variance is the unbiased one.
        variance = variance * (count - 1.0) / count
        if rectify:
            outputs = tf.nn.relu(outputs)
    return (
        tf.reshape(outputs, shape),
        tf.stop_gradient(mean),
        tf.stop_gradient(variance),
    )


def fold_normalization(kernel, gamma, beta, mean, variance, epsilon):
    """Returns a convolution that includes the normalisation after it.

    Args:
        kernel: Tensor of shape `(..., channels)`, of a convolution.
        gamma: Tensor of shape `(channels,)`.
        beta: Tensor of shape `(channels,)`.
        mean: Tensor of shape `(channels,)`.
        variance: Tensor of shape `(channels,)`.
        epsilon: Float.

    Returns:
        Tuple of the kernel and the bias, of the dtype of `kernel`.
    """
    scale = gamma * tf.math.rsqrt(variance + epsilon)
    dtype = kernel.dtype
    return tf.cast(tf.cast(kernel, scale.dtype) * scale, dtype), tf.cast(
        beta - mean * scale, dtype
    )


def squeeze_excite(x, reduce_kernel, reduce_bias, expand_kernel, expand_bias):
    """Scales the channels of each video by gates computed from their means.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`.
        reduce_kernel: Tensor of shape `(channels, units)`.
        reduce_bias: Tensor of shape `(units,)`.
        expand_kernel: Tensor of shape `(units, channels)`.
        expand_bias: Tensor of shape `(channels,)`.

    Returns:
        Tensor of the shape of `x`.
    """
    # The sum of half precision values overflows.
    means = tf.reduce_mean(tf.cast(x, "float32"), (1, 2, 3))
    means = tf.cast(means, x.dtype)
    hidden = tf.nn.relu(tf.matmul(means, reduce_kernel) + reduce_bias)
    gates = tf.sigmoid(tf.matmul(hidden, expand_kernel) + expand_bias)
    return x * gates[:, None, None, None]


def silu(x):
    """Returns `x * sigmoid(x)`."""
    return tf.nn.silu(x)


def relu(x):
    """Returns `max(x, 0)`."""
    return tf.nn.relu(x)


def add_relu(x, y):
    """Returns `max(x + y, 0)`."""
    return tf.nn.relu(x + y)


def _normalize(images, gamma, beta, epsilon, rectify, count):
    """Normalises float32 images as `batch_normalization` does.

    On CPU this is up to five times quicker than TensorFlow's fused operation,
    whose time is that of the slowest of its many passes.
    """

    @tf.custom_gradient
    def normalize(images, gamma, beta):
        mean = _sums(images) / count
        centered = tf.nn.bias_add(images, -mean)
        variance = _sums_of_products(centered, centered) / count
        inverse_deviation = tf.math.rsqrt(variance + epsilon)
        scale = gamma * inverse_deviation
        outputs = tf.nn.bias_add(_scale(centered, scale), beta)
        if rectify:
            outputs = tf.nn.relu(outputs)

        def backward(gradient, *_):
            if rectify:
                gradient = tf.raw_ops.ReluGrad(
                    gradients=gradient, features=outputs
                )
            beta_gradient = _sums(gradient)
            gamma_gradient = inverse_deviation * _sums_of_products(
                centered, gradient
            )
            shift = -scale * beta_gradient / count
            centered_scale = -scale * inverse_deviation * gamma_gradient / count
            images_gradient = tf.nn.bias_add(_scale(gradient, scale), shift)
            images_gradient += _scale(centered, centered_scale)
            return images_gradient, gamma_gradient, beta_gradient

        return (outputs, mean, variance), backward

    return normalize(images, gamma, beta)


def _sums(images):
    """Returns the sum of each channel."""
    pixels = tf.reshape(images, (-1, images.shape[-1]))
    # Quicker than TensorFlow's own sum over the leading axes.
    return tf.matmul(tf.ones((1, tf.shape(pixels)[0])), pixels)[0]


def _sums_of_products(images, others):
    """Returns the sum of `images * others` of each channel.

    It is the gradient of the kernel of `_scale`, without an array of products.
    """
    channels = images.shape[-1]
    sums = tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
        input=images,
        filter_sizes=(1, 1, channels, 1),
        out_backprop=others,
        strides=(1, 1, 1, 1),
        padding="VALID",
    )
    return tf.reshape(sums, (channels,))


def _scale(images, factors):
    """Scales each channel: quicker than a product that is broadcast."""
    kernel = tf.reshape(factors, (1, 1, -1, 1))
    return tf.nn.depthwise_conv2d(images, kernel, (1, 1, 1, 1), "VALID")


def _temporal(x, kernel, bias, padding):
    """Convolves over time alone: in 2D, over frames and flattened pixels."""
    batch, frames, height, width, channels = keras.ops.shape(x)
    y = tf.nn.depthwise_conv2d(
        tf.reshape(x, (batch, frames, height * width, channels)),
        tf.expand_dims(kernel[:, 0], -1),
        (1, 1, 1, 1),
        _pairs(padding, 0),
    )
    new_frames = output_length(frames, kernel.shape[0], 1, padding)
    y = tf.reshape(y, (batch, new_frames, height, width, channels))
    return y if bias is None else y + bias


def _sum_of_taps(x, kernel, bias, strides, padding):
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
    # Not `tf.nn.bias_add` of a tap: Grappler aborts on the fused operation.
    return total if bias is None else total + bias


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
