"""Numerics on JAX."""

import functools
import itertools
import math

import jax
from jax import lax
from jax import numpy as jnp

from ssdet_keras.ops.convolution_shapes import output_length
from ssdet_keras.ops.convolution_shapes import padding_amounts
from ssdet_keras.ops.convolution_shapes import pads
from ssdet_keras.ops.convolution_shapes import phases

# Channels of all temporal taps up to which they are convolved at once.
_STACKED_CHANNELS = 32


def depthwise_conv3d(
    x, kernel, bias=None, strides=(1, 1, 1), padding="same", rectify=False
):
    """Convolves every channel with its own kernel over time and space.

    XLA's grouped convolution is a hundred times slower on CPU than this sum of
    shifted products, which it fuses.

    Args:
        x: Array of shape `(batch, frames, height, width, channels)`.
        kernel: Array of shape `(k_frames, k_height, k_width, channels)`.
        bias: Optional array of shape `(channels,)`.
        strides: Three integers.
        padding: `"same"` (`k // 2` zeros on both sides) or `"valid"`.
        rectify: Boolean. Whether a ReLU follows.

    Returns:
        Array of shape `(batch, new_frames, new_height, new_width, channels)`.
    """
    padding = padding_amounts(kernel.shape[:3], padding)
    y = _depthwise_conv3d(x, kernel, tuple(strides), padding)
    y = y if bias is None else y + bias
    return relu(y) if rectify else y


def pointwise_conv3d(
    x, kernel, bias=None, stride=1, shortcut=None, rectify=False
):
    """Mixes the channels of every `stride`-th pixel of every frame.

    Args:
        x: Array of shape `(batch, frames, height, width, channels)`.
        kernel: Array of shape `(channels, filters)`.
        bias: Optional array of shape `(filters,)`.
        stride: Integer, of height and width.
        shortcut: Optional tensor of the shape of the outputs, which is added.
        rectify: Boolean. Whether a ReLU follows.

    Returns:
        Array of shape `(batch, frames, new_height, new_width, filters)`, where
        the new sizes are `ceil(size / stride)`.
    """
    y = _matmul(x[:, :, ::stride, ::stride], kernel)
    y = y if bias is None else y + bias
    y = y if shortcut is None else y + shortcut
    return relu(y) if rectify else y


def spatial_conv3d(x, kernel, stride=1):
    """Convolves every frame with one 2D kernel.

    Args:
        x: Array of shape `(batch, frames, height, width, channels)`.
        kernel: Array of shape `(k, k, channels, filters)`, with odd `k`.
            `k // 2` zeros are added on all sides.
        stride: Integer, of height and width.

    Returns:
        Array of shape `(batch, frames, new_height, new_width, filters)`, where
        the new sizes are `ceil(size / stride)`.
    """
    y = lax.platform_dependent(
        x.reshape(-1, *x.shape[2:]),
        kernel,
        cpu=functools.partial(_conv2d_by_product, stride=stride),
        default=functools.partial(_conv2d, stride=stride),
    )
    return y.reshape(*x.shape[:2], *y.shape[1:])


def conv3d(
    x, kernel, bias=None, strides=(1, 1, 1), padding="same", rectify=False
):
    """Convolves videos over time and space.

    On CPU this is a sum of 2D convolutions, one per temporal tap, which XLA
    mostly runs quicker than a 3D convolution. The gradient of the kernel is
    that of matrix products, one per tap.

    Args:
        x: Array of shape `(batch, frames, height, width, channels)`.
        kernel: Array of shape `(k_frames, k_height, k_width, channels,
            filters)`.
        bias: Optional array of shape `(filters,)`.
        strides: Three integers.
        padding: `"same"` (`k // 2` zeros on both sides), `"valid"` or
            `"tensorflow"` (its `SAME`).
        rectify: Boolean. Whether a ReLU follows.

    Returns:
        Array of shape `(batch, new_frames, new_height, new_width, filters)`.
    """
    strides = tuple(strides)
    amounts = pads(x.shape[1:4], kernel.shape[:3], strides, padding)
    y = lax.platform_dependent(
        x,
        kernel,
        cpu=lambda x, kernel: _sum_of_taps(x, kernel, strides, amounts),
        default=lambda x, kernel: _conv3d(x, kernel, strides, amounts),
    )
    y = y if bias is None else y + bias
    return relu(y) if rectify else y


def max_pool3d(x, pool_size, strides, padding="same"):
    """Returns the largest values of windows of every channel.

    On CPU this is one axis after the other, by maxima of shifted arrays: the
    gradient of XLA's own windows is many times slower.

    Args:
        x: Array of shape `(batch, frames, height, width, channels)`.
        pool_size: Three integers.
        strides: Three integers.
        padding: As of `conv3d`. What is padded is no value of a window.

    Returns:
        Array of shape `(batch, new_frames, new_height, new_width,
        channels)`.
    """
    amounts = pads(x.shape[1:4], pool_size, strides, padding)
    return lax.platform_dependent(
        x,
        cpu=lambda x: _max_by_axis(x, pool_size, strides, amounts),
        default=lambda x: lax.reduce_window(
            x,
            -jnp.inf,
            lax.max,
            (1, *pool_size, 1),
            (1, *strides, 1),
            ((0, 0), *amounts, (0, 0)),
        ),
    )


def batch_normalization(
    x, gamma, beta, epsilon, rectify=False, synchronized=False
):
    """Normalises the channels of a batch by its own statistics.

    Args:
        x: Array of shape `(batch, frames, height, width, channels)`.
        gamma: Array of shape `(channels,)`.
        beta: Array of shape `(channels,)`.
        epsilon: Float.
        rectify: Boolean. Whether a ReLU follows.
        synchronized: Boolean. Whether the statistics are those of the batches
            of all processes and devices that train together.

    Returns:
        Tuple of the outputs, and the mean and the (biased) variance of the
        batch, without gradients.
    """
    # Arrays are those of all devices: the statistics always are synchronized.
    outputs, mean, variance = _normalize(x, gamma, beta, epsilon, rectify)
    return outputs, lax.stop_gradient(mean), lax.stop_gradient(variance)


def fold_normalization(kernel, gamma, beta, mean, variance, epsilon):
    """Returns a convolution that includes the normalisation after it.

    Args:
        kernel: Array of shape `(..., channels)`, of a convolution.
        gamma: Array of shape `(channels,)`.
        beta: Array of shape `(channels,)`.
        mean: Array of shape `(channels,)`.
        variance: Array of shape `(channels,)`.
        epsilon: Float.

    Returns:
        Tuple of the kernel and the bias, of the dtype of `kernel`.
    """
    scale = gamma * lax.rsqrt(variance + epsilon)
    bias = beta - mean * scale
    return (kernel * scale).astype(kernel.dtype), bias.astype(kernel.dtype)


def squeeze_excite(x, reduce_kernel, reduce_bias, expand_kernel, expand_bias):
    """Scales the channels of each video by gates computed from their means.

    Args:
        x: Array of shape `(batch, frames, height, width, channels)`.
        reduce_kernel: Array of shape `(channels, units)`.
        reduce_bias: Array of shape `(units,)`.
        expand_kernel: Array of shape `(units, channels)`.
        expand_bias: Array of shape `(channels,)`.

    Returns:
        Array of the shape of `x`.
    """
    means = jnp.mean(x, (1, 2, 3))
    hidden = jax.nn.relu(means @ reduce_kernel + reduce_bias)
    gates = jax.nn.sigmoid(hidden @ expand_kernel + expand_bias)
    return x * gates[:, None, None, None]


def silu(x):
    """Returns `x * sigmoid(x)`."""
    # Recomputed in the backward pass, which else keeps three arrays.
    return jax.checkpoint(jax.nn.silu)(x)


def relu(x):
    """Returns `max(x, 0)`."""
    return jax.nn.relu(x)


def add_relu(x, y):
    """Returns `max(x + y, 0)`."""
    return jax.nn.relu(x + y)


@jax.custom_vjp
def _matmul(x, kernel):
    return x @ kernel


def _matmul_forward(x, kernel):
    return x @ kernel, (x, kernel)


def _matmul_backward(saved, gradient):
    x, kernel = saved
    # Else XLA computes what comes before it again, to write it transposed.
    gradient = lax.optimization_barrier(gradient)
    kernel_gradient = lax.dot_general(
        x.reshape(-1, x.shape[-1]),
        gradient.reshape(-1, gradient.shape[-1]),
        (((0,), (0,)), ((), ())),
    )
    return gradient @ kernel.T, kernel_gradient


_matmul.defvjp(_matmul_forward, _matmul_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _depthwise_conv3d(x, kernel, strides, padding):
    return _convolve(x, kernel, strides, padding)


def _convolve(x, kernel, strides, padding):
    return sum(
        values * kernel[tap]
        for tap, values in _shifts(x, kernel.shape, strides, padding)
    )


def _forward(x, kernel, strides, padding):
    return _depthwise_conv3d(x, kernel, strides, padding), (x, kernel)


def _backward(strides, padding, residuals, gradient):
    x, kernel = residuals
    x_gradient = _input_gradient(x.shape, kernel, gradient, strides, padding)
    shapes = {
        "kernel_shape": kernel.shape,
        "strides": strides,
        "padding": padding,
    }
    kernel_gradient = lax.platform_dependent(
        x,
        gradient,
        cpu=functools.partial(_kernel_gradient_by_row, **shapes),
        default=functools.partial(_kernel_gradient, **shapes),
    )
    return x_gradient, kernel_gradient


_depthwise_conv3d.defvjp(_forward, _backward)


def _input_gradient(x_shape, kernel, gradient, strides, padding):
    """Convolves the gradient with the flipped kernel.

    With strides, the inputs of each phase (the even and the odd ones, with
    stride 2) belong to other taps.
    """
    lengths = [-(-n // s) for n, s in zip(x_shape[1:4], strides, strict=True)]
    parts = [
        _correlate(gradient, kernel[taps], shifts, lengths)
        for _, taps, shifts in phases(strides, padding)
    ]
    parts = jnp.stack(parts).reshape(*strides, *parts[0].shape)
    # (phases, batch, lengths, channels) to (batch, lengths x phases, channels).
    parts = parts.transpose(3, 4, 0, 5, 1, 6, 2, 7)
    x_gradient = parts.reshape(
        x_shape[0],
        *(n * s for n, s in zip(lengths, strides, strict=True)),
        x_shape[-1],
    )
    return x_gradient[tuple(map(slice, x_shape))]


def _correlate(gradient, kernel, shifts, lengths):
    """Sums `kernel[k] * gradient[i + shift - k]` over `k`, for `i < length`."""
    if not kernel.size:
        shape = (gradient.shape[0], *lengths, gradient.shape[-1])
        return jnp.zeros(shape, gradient.dtype)
    margins = [
        (size - 1 - shift, length + shift - given, 0)
        for size, shift, length, given in zip(
            kernel.shape, shifts, lengths, gradient.shape[1:4], strict=False
        )
    ]
    zero = jnp.zeros((), gradient.dtype)
    padded = lax.pad(gradient, zero, [(0, 0, 0), *margins, (0, 0, 0)])
    return _convolve(padded, kernel[::-1, ::-1, ::-1], (1, 1, 1), (0, 0, 0))


def _kernel_gradient(x, gradient, kernel_shape, strides, padding):
    """Sums the products of each tap's values and the gradient."""
    totals = [
        jnp.sum(values * gradient, axis=(0, 1, 2, 3))
        for _, values in _shifts(x, kernel_shape, strides, padding)
    ]
    return jnp.stack(totals).reshape(kernel_shape)


def _kernel_gradient_by_row(x, gradient, kernel_shape, strides, padding):
    """As `_kernel_gradient`, row by row.

    XLA reads both arrays again for every tap. Here the rows of a few frames
    stay in the cache for all of them, which is eight times quicker on CPU.
    """
    batch, frames, height, width, channels = gradient.shape
    taps = list(itertools.product(*map(range, kernel_shape[:3])))
    # In an export the number of frames can be a symbol.
    num_frames = math.gcd(frames, 4) if isinstance(frames, int) else 1
    read_frames = (num_frames - 1) * strides[0] + kernel_shape[0]
    rows = _rows(_pad(x, padding), strides[2])
    gradient_rows = _rows(gradient, 1)
    phase_length = rows.shape[-1] // strides[2]

    def add_rows(index, totals):
        row, index = index % height, index // height
        frame = index % (frames // num_frames) * num_frames
        clip = index // (frames // num_frames)
        values = lax.dynamic_slice(
            rows,
            (clip, frame * strides[0], row * strides[1], 0),
            (1, read_frames, kernel_shape[1], rows.shape[-1]),
        )[0]
        row_gradient = lax.dynamic_slice(
            gradient_rows,
            (clip, frame, row, 0),
            (1, num_frames, 1, width * channels),
        )[0, :, 0]
        last_frame = (num_frames - 1) * strides[0] + 1
        added = []
        for total, (i, j, k) in zip(totals, taps, strict=True):
            column = k % strides[2] * phase_length + k // strides[2] * channels
            tap_values = values[
                i : i + last_frame : strides[0],
                j,
                column : column + width * channels,
            ]
            added.append(total + tap_values * row_gradient)
        return tuple(added)

    zeros = jnp.zeros((num_frames, width * channels), gradient.dtype)
    totals = lax.fori_loop(
        0,
        batch * (frames // num_frames) * height,
        add_rows,
        (zeros,) * len(taps),
    )
    totals = [jnp.sum(t.reshape(-1, channels), axis=0) for t in totals]
    return jnp.stack(totals).reshape(kernel_shape)


def _rows(x, stride):
    """Flattens columns and channels, one phase of the columns after another.

    Without an axis of the phases: XLA copies an array whose axis of length 1
    it would rather have elsewhere.
    """
    batch, frames, height, width, channels = x.shape
    if stride > 1:
        x = jnp.pad(x, ((0, 0),) * 3 + ((0, -width % stride), (0, 0)))
        x = x.reshape(batch, frames, height, -1, stride, channels)
        x = x.swapaxes(3, 4)
    return x.reshape(batch, frames, height, -1)


def _pad(x, padding):
    return jnp.pad(
        x, ((0, 0), *((amount, amount) for amount in padding), (0, 0))
    )


def _shifts(x, kernel_shape, strides, padding):
    """Yields each tap's index and the values of `x` that it multiplies."""
    new_lengths = [
        output_length(x.shape[1 + axis], kernel_shape[axis], stride, amount)
        for axis, (stride, amount) in enumerate(
            zip(strides, padding, strict=True)
        )
    ]
    # Else XLA computes the padding, and what comes before it, for every tap.
    padded = lax.optimization_barrier(_pad(x, padding))
    for tap in itertools.product(*map(range, kernel_shape[:3])):
        window = tuple(
            slice(start, start + (length - 1) * stride + 1, stride)
            for start, length, stride in zip(
                tap, new_lengths, strides, strict=True
            )
        )
        yield tap, padded[(slice(None), *window)]


def _conv2d(images, kernel, stride):
    half = kernel.shape[0] // 2
    return lax.conv_general_dilated(
        images,
        kernel,
        (stride, stride),
        ((half, half), (half, half)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _conv2d_by_product(images, kernel, stride):
    """As `_conv2d`, which on CPU is five times slower with three channels."""
    patches = [
        values[:, 0]
        for _, values in _shifts(
            images[:, None],
            (1, *kernel.shape[:2]),
            (1, stride, stride),
            (0, *(size // 2 for size in kernel.shape[:2])),
        )
    ]
    patches = lax.optimization_barrier(jnp.concatenate(patches, -1))
    return _matmul(patches, kernel.reshape(-1, kernel.shape[-1]))


def _conv3d(x, kernel, strides, amounts):
    return lax.conv_general_dilated(
        x,
        kernel,
        strides,
        amounts,
        dimension_numbers=("NDHWC", "DHWIO", "NDHWC"),
    )


def _convolve_taps(x, kernel, strides, amounts):
    """Sums 2D convolutions of shifted frames.

    Where there are few channels, those of all taps are convolved at once.
    """
    taps = _temporal_shifts(x, kernel.shape[0], strides[0], amounts[0])
    kernels = list(kernel)
    if kernel.shape[0] * kernel.shape[3] <= _STACKED_CHANNELS:
        taps = [lax.optimization_barrier(jnp.concatenate(taps, -1))]
        kernels = [jnp.concatenate(kernels, 2)]
    y = sum(
        lax.conv_general_dilated(
            frames.reshape(-1, *frames.shape[2:]),
            kernel,
            strides[1:],
            amounts[1:],
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        for frames, kernel in zip(taps, kernels, strict=True)
    )
    return y.reshape(*taps[0].shape[:2], *y.shape[1:])


def _temporal_shifts(x, num_taps, stride, amounts):
    """Returns the frames that each tap of a kernel multiplies."""
    padded = jnp.pad(x, ((0, 0), amounts, (0, 0), (0, 0), (0, 0)))
    last = padded.shape[1] - num_taps + 1
    return [padded[:, i : i + last : stride] for i in range(num_taps)]


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _sum_of_taps(x, kernel, strides, amounts):
    return _convolve_taps(x, kernel, strides, amounts)


def _sum_of_taps_forward(x, kernel, strides, amounts):
    return _convolve_taps(x, kernel, strides, amounts), (x, kernel)


def _sum_of_taps_backward(strides, amounts, saved, gradient):
    x, kernel = saved
    gradient = lax.optimization_barrier(gradient)
    _, convolve_backward = jax.vjp(
        lambda x: _convolve_taps(x, kernel, strides, amounts), x
    )
    pixels = gradient.reshape(-1, gradient.shape[-1])
    padded = jnp.pad(x, ((0, 0), *amounts, (0, 0)))
    products = [
        lax.dot_general(
            values.reshape(-1, values.shape[-1]),
            pixels,
            (((0,), (0,)), ((), ())),
        )
        for _, values in _shifts(padded, kernel.shape, strides, (0, 0, 0))
    ]
    kernel_gradient = jnp.stack(products).reshape(kernel.shape)
    return *convolve_backward(gradient), kernel_gradient


_sum_of_taps.defvjp(_sum_of_taps_forward, _sum_of_taps_backward)


def _max_by_axis(x, pool_size, strides, amounts):
    for axis in (3, 2, 1):
        size, stride = pool_size[axis - 1], strides[axis - 1]
        margins = [(0, 0)] * x.ndim
        margins[axis] = amounts[axis - 1]
        padded = jnp.pad(x, margins, constant_values=-jnp.inf)
        last = padded.shape[axis] - size + 1
        x = functools.reduce(
            jnp.maximum,
            (
                lax.slice_in_dim(padded, i, i + last, stride, axis)
                for i in range(size)
            ),
        )
    return x


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _normalize(x, gamma, beta, epsilon, rectify):
    axes = (0, 1, 2, 3)
    values = x.astype(jnp.promote_types(gamma.dtype, "float32"))
    # In one pass: a second would compute what comes before it again. Near zero
    # the squares keep their digits.
    origin = values[0, 0, 0, 0]
    mean = jnp.mean(values - origin, axes)
    variance = jnp.mean((values - origin) ** 2, axes) - mean**2
    mean, variance = mean + origin, jnp.maximum(variance, 0)
    scale = gamma * lax.rsqrt(variance + epsilon)
    outputs = (values * scale + (beta - mean * scale)).astype(x.dtype)
    if rectify:
        outputs = jax.nn.relu(outputs)
    return outputs, mean, variance


def _normalize_forward(x, gamma, beta, epsilon, rectify):
    outputs, mean, variance = _normalize(x, gamma, beta, epsilon, rectify)
    saved = (x, gamma, beta, mean, variance, outputs if rectify else None)
    return (outputs, mean, variance), saved


def _normalize_backward(epsilon, rectify, saved, gradients):
    """Keeps two arrays, of which the next operation keeps one anyway."""
    x, gamma, beta, mean, variance, outputs = saved
    gradient = gradients[0].astype(mean.dtype)
    values = x.astype(mean.dtype)
    if rectify:
        gradient = jnp.where(outputs > 0, gradient, 0)
    axes = (0, 1, 2, 3)
    inverse_deviation = lax.rsqrt(variance + epsilon)
    beta_gradient = jnp.sum(gradient, axes)
    gamma_gradient = inverse_deviation * (
        jnp.sum(gradient * values, axes) - mean * beta_gradient
    )
    count = x.size // x.shape[-1]
    scale = gamma * inverse_deviation
    x_scale = -scale * inverse_deviation * gamma_gradient / count
    shift = -scale * beta_gradient / count - x_scale * mean
    x_gradient = (gradient * scale + values * x_scale + shift).astype(x.dtype)
    return (
        x_gradient,
        gamma_gradient.astype(gamma.dtype),
        beta_gradient.astype(beta.dtype),
    )


_normalize.defvjp(_normalize_forward, _normalize_backward)
