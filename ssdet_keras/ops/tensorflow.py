"""Numerics on TensorFlow."""

import keras
import tensorflow as tf

from ssdet_keras.ops.convolution_shapes import output_length
from ssdet_keras.ops.convolution_shapes import padding_amounts
from ssdet_keras.ops.convolution_shapes import pads


def depthwise_conv3d(
    x, kernel, bias=None, strides=(1, 1, 1), padding="same", rectify=False
):
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
        rectify: Boolean. Whether a ReLU follows.

    Returns:
        Tensor of shape `(batch, new_frames, new_height, new_width, channels)`.
    """
    x, kernel = tf.convert_to_tensor(x), tf.convert_to_tensor(kernel)
    padding = padding_amounts(kernel.shape[:3], padding)
    is_temporal = tuple(kernel.shape[1:3]) == (1, 1)
    if is_temporal and tuple(strides) == (1, 1, 1) and not any(padding[1:]):
        return _temporal(x, kernel, bias, padding[0], rectify)
    biases = () if bias is None else (tf.convert_to_tensor(bias),)
    y = _sum_of_taps(x, kernel, *biases, strides=strides[1:], padding=padding)
    if strides[0] > 1:
        y = y[:, :: strides[0]]
    return tf.nn.relu(y) if rectify else y


def pointwise_conv3d(
    x, kernel, bias=None, stride=1, shortcut=None, rectify=False
):
    """Mixes the channels of every `stride`-th pixel of every frame.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`.
        kernel: Tensor of shape `(channels, filters)`.
        bias: Optional tensor of shape `(filters,)`.
        stride: Integer, of height and width.
        shortcut: Optional tensor of the shape of the outputs, which is added.
        rectify: Boolean. Whether a ReLU follows.

    Returns:
        Tensor of shape `(batch, frames, new_height, new_width, filters)`, where
        the new sizes are `ceil(size / stride)`.
    """
    return _conv_frames(x, kernel[None, None], bias, stride, shortcut, rectify)


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
    return _conv_frames(x, kernel, stride=stride)


def conv3d(
    x, kernel, bias=None, strides=(1, 1, 1), padding="same", rectify=False
):
    """Convolves videos over time and space.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`.
        kernel: Tensor of shape `(k_frames, k_height, k_width, channels,
            filters)`.
        bias: Optional tensor of shape `(filters,)`.
        strides: Three integers.
        padding: `"same"` (`k // 2` zeros on both sides), `"valid"` or
            `"tensorflow"` (its `SAME`).
        rectify: Boolean. Whether a ReLU follows.

    Returns:
        Tensor of shape `(batch, new_frames, new_height, new_width, filters)`.
    """
    # Padded before: TensorFlow's gradients of `SAME` write out of bounds on CPU
    # where the kernel reaches over both ends of an axis.
    lengths = keras.ops.shape(x)[1:4]
    x = _pad(x, pads(lengths, kernel.shape[:3], strides, padding), 0.0)
    y = tf.nn.conv3d(x, kernel, (1, *strides, 1), "VALID")
    if bias is not None:
        y = tf.nn.bias_add(y, bias)
    return tf.nn.relu(y) if rectify else y


def max_pool3d(x, pool_size, strides, padding="same"):
    """Returns the largest values of windows of every channel.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`.
        pool_size: Three integers.
        strides: Three integers.
        padding: As of `conv3d`. What is padded is no value of a window.

    Returns:
        Tensor of shape `(batch, new_frames, new_height, new_width,
        channels)`.
    """
    if x.dtype == tf.float16:
        # TensorFlow has no such operation on CPU.
        x = tf.cast(x, "float32")
        return tf.cast(max_pool3d(x, pool_size, strides, padding), "float16")
    if padding == "tensorflow":
        return tf.nn.max_pool3d(x, pool_size, strides, "SAME")
    amounts = pads(x.shape[1:4], pool_size, strides, padding)
    x = _pad(x, amounts, x.dtype.min)
    return tf.nn.max_pool3d(x, pool_size, strides, "VALID")


def batch_normalization(
    x, gamma, beta, epsilon, rectify=False, synchronized=False
):
    """Normalises the channels of a batch by its own statistics.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`.
        gamma: Tensor of shape `(channels,)`.
        beta: Tensor of shape `(channels,)`.
        epsilon: Float.
        rectify: Boolean. Whether a ReLU follows.
        synchronized: Boolean. Whether the statistics are those of the batches
            of all processes and devices that train together.

    Returns:
        Tuple of the outputs, and the mean and the (biased) variance of the
        batch, without gradients.
    """
    replicas = tf.distribute.get_replica_context()
    if synchronized and replicas is not None:
        return _normalize_together(x, gamma, beta, epsilon, rectify, replicas)
    shape = keras.ops.shape(x)
    count = tf.cast(tf.size(x) // shape[-1], "float32")
    if x.dtype == tf.float32 and not tf.config.list_logical_devices("GPU"):
        outputs, mean, variance = _normalize(
            x, gamma, beta, epsilon, rectify, count
        )
    else:
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            _to_images(x),
            tf.cast(gamma, "float32"),
            tf.cast(beta, "float32"),
            epsilon=epsilon,
            is_training=True,
        )
        # TensorFlow's variance is the unbiased one.
        variance = variance * (count - 1.0) / count
        if rectify:
            outputs = tf.nn.relu(outputs)
        outputs = tf.reshape(outputs, shape)
    return (
        outputs,
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
    weights = (reduce_kernel, reduce_bias, expand_kernel, expand_bias)
    return _squeeze_excite(*map(tf.convert_to_tensor, (x, *weights)))


@tf.custom_gradient
def silu(x):
    """Returns `x * sigmoid(x)`."""
    x = tf.convert_to_tensor(x)

    def backward(gradient):
        # Not that of the forward pass, which would be kept until now.
        with tf.control_dependencies([gradient]):
            gates = tf.sigmoid(x)
        # In fewer passes than TensorFlow's own gradient.
        return gradient * (gates + tf.raw_ops.SigmoidGrad(y=gates, dy=x))

    return x * tf.sigmoid(x), backward


def relu(x):
    """Returns `max(x, 0)`."""
    return tf.nn.relu(x)


def add_relu(x, y):
    """Returns `max(x + y, 0)`."""
    return tf.nn.relu(x + y)


@tf.custom_gradient
def _squeeze_excite(x, *weights):
    """Its gradient has fewer passes over the video than TensorFlow's."""
    num_pixels = tf.cast(tf.reduce_prod(tf.shape(x)[1:4]), "float32")
    means = tf.cast(_sums_over_pixels(x) / num_pixels, x.dtype)
    with tf.GradientTape() as tape:
        tape.watch((means, *weights))
        gates = _gates(means, *weights)

    def backward(gradient):
        gates_gradient = tf.cast(_sums_over_pixels(x, gradient), x.dtype)
        means_gradient, *weight_gradients = tape.gradient(
            gates, (means, *weights), gates_gradient[:, None, None, None]
        )
        x_shift = tf.cast(means_gradient, "float32") / num_pixels
        x_shift = tf.cast(x_shift, x.dtype)[:, None, None, None]
        x_gradient = gradient * gates + x_shift
        return x_gradient, *weight_gradients

    return x * gates, backward


def _gates(means, reduce_kernel, reduce_bias, expand_kernel, expand_bias):
    hidden = tf.nn.relu(tf.matmul(means, reduce_kernel) + reduce_bias)
    gates = tf.sigmoid(tf.matmul(hidden, expand_kernel) + expand_bias)
    return gates[:, None, None, None]


def _sums_over_pixels(x, factors=None):
    """Returns the sums of `x * factors` of each channel of each video."""
    batch, frames, height, width, channels = keras.ops.shape(x)
    # Half precision overflows. Over one axis after the other is three times
    # quicker.
    products = tf.cast(x, "float32")
    if factors is not None:
        products *= tf.cast(factors, "float32")
    rows = tf.reshape(products, (batch, frames * height, width, channels))
    return tf.reduce_sum(tf.reduce_sum(rows, 2), 1)


def _normalize(x, gamma, beta, epsilon, rectify, count):
    """Normalises float32 videos as `batch_normalization` does.

    On CPU this is up to five times quicker than TensorFlow's fused operation,
    whose time is that of the slowest of its many passes.
    """

    @tf.custom_gradient
    def normalize(x, gamma, beta):
        images = _to_images(x)
        mean = _sums(images) / count
        centered = tf.nn.bias_add(images, -mean)
        variance = _sums_of_products(centered, centered) / count
        inverse_deviation = tf.math.rsqrt(variance + epsilon)
        scale = gamma * inverse_deviation
        outputs = tf.nn.bias_add(_scale(centered, scale), beta)
        if rectify:
            outputs = tf.nn.relu(outputs)

        def backward(gradient, *_):
            gradient = _to_images(gradient)
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
            x_gradient = _add(
                [
                    tf.nn.bias_add(_scale(gradient, scale), shift),
                    _scale(centered, centered_scale),
                ]
            )
            return tf.reshape(x_gradient, shape), gamma_gradient, beta_gradient

        return (tf.reshape(outputs, shape), mean, variance), backward

    shape = keras.ops.shape(x)
    return normalize(x, gamma, beta)


def _normalize_together(x, gamma, beta, epsilon, rectify, replicas):
    values = tf.cast(x, gamma.dtype)
    own_mean, own_variance = tf.nn.moments(values, (0, 1, 2, 3))
    mean = replicas.all_reduce("MEAN", own_mean)
    variance = replicas.all_reduce(
        "MEAN", own_variance + (own_mean - mean) ** 2
    )
    outputs = tf.nn.batch_normalization(
        values, mean, variance, beta, gamma, epsilon
    )
    if rectify:
        outputs = tf.nn.relu(outputs)
    return (
        tf.cast(outputs, x.dtype),
        tf.stop_gradient(mean),
        tf.stop_gradient(variance),
    )


def _to_images(x):
    return tf.reshape(x, (-1, *keras.ops.shape(x)[2:]))


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


def _pad(x, amounts, value):
    """Returns a video with values before and after each axis."""
    # In a graph, amounts can be tensors.
    if all(isinstance(n, int) and n == 0 for pair in amounts for n in pair):
        return x
    pairs = ((0, 0), *amounts, (0, 0))
    return tf.pad(x, pairs, constant_values=tf.cast(value, x.dtype))


def _conv_frames(x, kernel, bias=None, stride=1, shortcut=None, rectify=False):
    """Convolves every frame, with `k // 2` zeros on all sides."""
    batch, frames, height, width = keras.ops.shape(x)[:4]
    half = kernel.shape[0] // 2
    y = tf.nn.conv2d(
        _to_images(x),
        kernel,
        stride,
        _pairs(half, half) if half else "VALID",
    )
    # One operation, which Grappler knows as a sequence on images.
    if bias is not None:
        y = tf.nn.bias_add(y, bias)
    if shortcut is not None:
        y += tf.reshape(shortcut, tf.shape(y))
    if rectify:
        y = tf.nn.relu(y)
    height, width = (
        output_length(size, 1, stride, 0) for size in (height, width)
    )
    return tf.reshape(y, (batch, frames, height, width, kernel.shape[-1]))


def _temporal(x, kernel, bias, padding, rectify):
    """Convolves over time alone: in 2D, over frames and flattened pixels."""
    batch, frames, height, width, channels = keras.ops.shape(x)
    y = tf.nn.depthwise_conv2d(
        tf.reshape(x, (batch, frames, height * width, channels)),
        tf.expand_dims(kernel[:, 0], -1),
        (1, 1, 1, 1),
        "SAME" if 2 * padding + 1 == kernel.shape[0] else "VALID",
    )
    if bias is not None:
        y = tf.nn.bias_add(y, bias)
    if rectify:
        y = tf.nn.relu(y)
    new_frames = output_length(frames, kernel.shape[0], 1, padding)
    return tf.reshape(y, (batch, new_frames, height, width, channels))


def _sum_of_taps(x, kernel, *bias, strides, padding):
    """Sums 2D convolutions of shifted frames. Strides are those of space.

    The frames of all clips are laid end to end, with zeros between, so that a
    shift is a slice of the first axis, which is no copy. Of the sums, those
    that are of two clips are left out:

        frames    0 a b c 0 0 d e f 0      slices of all but two frames
        sums      A B C - - D E F          A = 0 + a + b, ...
    """
    num_taps, (pad, *pads) = kernel.shape[0], padding
    length = keras.ops.shape(x)[1]
    new_length = output_length(length, num_taps, 1, pad)
    # The frames before and after the clips, for the gradient of the inputs.
    margin = num_taps - 1 - pad
    image_padding = _image_padding(kernel.shape[1:3], strides, pads)
    # Grappler aborts on the fused operation with explicit zeros.
    fuses_bias = image_padding["padding"] != "EXPLICIT"
    kwargs = {"strides": (1, *strides, 1), **image_padding}

    @tf.custom_gradient
    def convolve(x, kernel, *bias):
        kernels = tf.unstack(kernel[..., None])
        frames = _lay_end_to_end(x, pad, pad)
        taps = [
            tf.raw_ops.DepthwiseConv2dNative(
                input=shifted, filter=tap, **kwargs
            )
            for shifted, tap in zip(
                _shifts(frames, num_taps), kernels, strict=True
            )
        ]
        if bias and fuses_bias:
            taps[0] = tf.nn.bias_add(taps[0], *bias)
        outputs = _take_clips(_add(taps), x, num_taps, new_length)
        if bias and not fuses_bias:
            outputs = outputs + bias[0]

        def backward(gradient):
            gradients = _shifts(
                _lay_end_to_end(gradient, margin, margin), num_taps
            )
            shape = (tf.shape(gradients[0])[0], *keras.ops.shape(x)[2:])
            taps = [
                tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                    input_sizes=tf.stack(shape),
                    filter=tap,
                    out_backprop=shifted,
                    **kwargs,
                )
                for shifted, tap in zip(
                    gradients, reversed(kernels), strict=True
                )
            ]
            # Else TensorFlow keeps those of the forward pass until now.
            with tf.control_dependencies([gradient]):
                frames = _lay_end_to_end(x, pad, margin)
            kernel_gradient = [
                tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
                    input=shifted,
                    filter_sizes=kernels[0].shape,
                    out_backprop=gradients[margin],
                    **kwargs,
                )
                for shifted in _shifts(frames, num_taps)
            ]
            return (
                _take_clips(_add(taps), x, num_taps, length),
                tf.stack(kernel_gradient)[..., 0],
                *(tf.raw_ops.BiasAddGrad(out_backprop=gradient) for _ in bias),
            )

        return outputs, backward

    return convolve(x, kernel, *bias)


def _image_padding(kernel_size, strides, padding):
    """Returns the arguments of 2D operations for `padding` zeros."""
    is_same = all(
        size == 2 * pad + 1
        for size, pad in zip(kernel_size, padding, strict=True)
    )
    if not any(padding):
        return {"padding": "VALID"}
    if is_same and strides == (1, 1):
        # The same zeros, for which oneDNN has gradients.
        return {"padding": "SAME"}
    explicit = [n for pad in padding for n in (pad, pad)]
    return {"padding": "EXPLICIT", "explicit_paddings": [0, 0, *explicit, 0, 0]}


def _lay_end_to_end(x, before, after):
    """Returns the frames of all clips, with zeros before and after each."""
    if before or after:
        x = tf.pad(x, ((0, 0), (before, after), (0, 0), (0, 0), (0, 0)))
    return _to_images(x)


def _shifts(frames, num_taps):
    """Returns the frames from the first on, from the second on, ..."""
    length = keras.ops.shape(frames)[0] - num_taps + 1
    return [frames[tap : tap + length] for tap in range(num_taps)]


def _add(images):
    """Returns a sum, as rows: Grappler must not fuse it with convolutions.

    It fails, and then leaves all of the graph as it is.
    """
    shape = keras.ops.shape(images[0])
    total = tf.add_n([tf.reshape(x, (-1, shape[-1])) for x in images])
    return tf.reshape(total, shape)


def _take_clips(sums, x, num_taps, length):
    """Returns the first `length` of the sums of each clip of `x`."""
    batch = keras.ops.shape(x)[0]
    if num_taps > 1 and not (isinstance(batch, int) and batch == 1):
        pitch = length + num_taps - 1
        first = tf.range(batch)[:, None] * pitch
        sums = tf.gather(sums, tf.reshape(first + tf.range(length), (-1,)))
    return tf.reshape(sums, (batch, length, *keras.ops.shape(sums)[1:]))


def _pairs(first, second):
    return ((0, 0), (first, first), (second, second), (0, 0))
