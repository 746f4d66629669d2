"""Numerics on JAX."""

import functools
import itertools

import jax
from jax import lax
from jax import numpy as jnp

from ssdet_keras.ops.convolution_shapes import output_length
from ssdet_keras.ops.convolution_shapes import padding_amounts


def depthwise_conv3d(x, kernel, strides=(1, 1, 1), padding="same"):
    """Convolves every channel with its own kernel over time and space.

    XLA's grouped convolution is a hundred times slower on CPU than this sum of
    shifted products, which it fuses.

    Args:
        x: Array of shape `(batch, frames, height, width, channels)`.
        kernel: Array of shape `(k_frames, k_height, k_width, channels)`.
        strides: Three integers.
        padding: `"same"` (`k // 2` zeros on both sides) or `"valid"`.

    Returns:
        Array of shape `(batch, new_frames, new_height, new_width, channels)`.
    """
    padding = padding_amounts(kernel.shape[:3], padding)
    return _depthwise_conv3d(
        jnp.asarray(x), jnp.asarray(kernel), tuple(strides), padding
    )


def batch_normalization(x, gamma, beta, epsilon):
    """Normalises the channels of a batch by its own statistics.

    Args:
        x: Array of shape `(batch, frames, height, width, channels)`.
        gamma: Array of shape `(channels,)`.
        beta: Array of shape `(channels,)`.
        epsilon: Float.

    Returns:
        Tuple of the outputs, and the mean and the (biased) variance of the
        batch, without gradients.
    """
    axes = (0, 1, 2, 3)
    values = x.astype(gamma.dtype)
    mean = jnp.mean(values, axes)
    variance = jnp.maximum(jnp.mean(values**2, axes) - mean**2, 0)
    scale = gamma * lax.rsqrt(variance + epsilon)
    outputs = (values * scale + (beta - mean * scale)).astype(x.dtype)
    return outputs, lax.stop_gradient(mean), lax.stop_gradient(variance)


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
    if strides == (1, 1, 1):
        flipped_padding = tuple(
            size - 1 - amount
            for size, amount in zip(kernel.shape, padding, strict=False)
        )
        x_gradient = _depthwise_conv3d(
            gradient, kernel[::-1, ::-1, ::-1], strides, flipped_padding
        )
    else:
        _, transpose = jax.vjp(
            lambda x: _convolve(x, kernel, strides, padding), x
        )
        (x_gradient,) = transpose(gradient)
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


def _kernel_gradient(x, gradient, kernel_shape, strides, padding):
    """Sums the products of each tap's values and the gradient."""
    totals = [
        jnp.sum(values * gradient, axis=(0, 1, 2, 3))
        for _, values in _shifts(x, kernel_shape, strides, padding)
    ]
    return jnp.stack(totals).reshape(kernel_shape)


def _kernel_gradient_by_row(x, gradient, kernel_shape, strides, padding):
    """As `_kernel_gradient`, row by row.

    XLA reads both arrays again for every tap. Here a row stays in the cache for
    all of them, which is five times quicker on CPU.
    """
    batch, frames, height, width, channels = gradient.shape
    padded = _pad(x, padding)
    taps = list(itertools.product(*map(range, kernel_shape[:3])))

    def add_row(index, totals):
        clip, frame = index // (frames * height), index // height % frames
        row = index % height
        values = lax.dynamic_slice(
            padded,
            (clip, frame * strides[0], row * strides[1], 0, 0),
            (1, *kernel_shape[:2], *padded.shape[3:]),
        )[0]
        row_gradient = lax.dynamic_slice(
            gradient, (clip, frame, row, 0, 0), (1, 1, 1, width, channels)
        )[0, 0, 0]
        columns = (width - 1) * strides[2] + 1
        return tuple(
            total + values[i, j, k : k + columns : strides[2]] * row_gradient
            for total, (i, j, k) in zip(totals, taps, strict=True)
        )

    zeros = jnp.zeros((width, channels), gradient.dtype)
    totals = lax.fori_loop(
        0, batch * frames * height, add_row, (zeros,) * len(taps)
    )
    totals = [jnp.sum(total, axis=0) for total in totals]
    return jnp.stack(totals).reshape(kernel_shape)


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
    padded = _pad(x, padding)
    for tap in itertools.product(*map(range, kernel_shape[:3])):
        window = tuple(
            slice(start, start + (length - 1) * stride + 1, stride)
            for start, length, stride in zip(
                tap, new_lengths, strides, strict=True
            )
        )
        yield tap, padded[(slice(None), *window)]
