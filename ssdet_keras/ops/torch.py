"""Numerics on PyTorch."""

import torch
from torch.nn import functional

from ssdet_keras.ops.convolution_shapes import padding_amounts


def depthwise_conv3d(x, kernel, strides=(1, 1, 1), padding="same"):
    """Convolves every channel with its own kernel over time and space.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`.
        kernel: Tensor of shape `(k_frames, k_height, k_width, channels)`.
        strides: Three integers.
        padding: `"same"` (`k // 2` zeros on both sides) or `"valid"`.

    Returns:
        Tensor of shape `(batch, new_frames, new_height, new_width, channels)`.
    """
    padding = padding_amounts(kernel.shape[:3], padding)
    if x.device.type == "cpu" and torch.is_grad_enabled():
        return _DepthwiseConv3D.apply(
            x.contiguous(), kernel, tuple(strides), padding
        )
    return _convolve(x, kernel, strides, padding)


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
    outputs, mean, inverse_deviation = torch.native_batch_norm(
        x.movedim(-1, 1), gamma, beta, None, None, True, 0.0, epsilon
    )
    variance = inverse_deviation.detach() ** -2 - epsilon
    return outputs.movedim(1, -1), mean.detach(), variance


def _convolve(x, kernel, strides, padding):
    if tuple(kernel.shape[1:3]) == (1, 1) and tuple(strides) == (1, 1, 1):
        # Over time alone: in 2D, over frames and flattened pixels.
        y = functional.conv2d(
            x.flatten(2, 3).movedim(-1, 1),
            kernel[:, 0].permute(2, 0, 1)[:, None],
            padding=(padding[0], 0),
            groups=kernel.shape[-1],
        )
        return y.movedim(1, -1).unflatten(2, x.shape[2:4])
    # A permuted view is channels_last_3d to PyTorch. A contiguous NCDHW copy
    # is ten times slower on CPU.
    y = functional.conv3d(
        x.movedim(-1, 1),
        kernel.movedim(-1, 0)[:, None],
        stride=strides,
        padding=padding,
        groups=kernel.shape[-1],
    )
    return y.movedim(1, -1)


class _DepthwiseConv3D(torch.autograd.Function):
    """PyTorch's own gradients of this convolution are slow on CPU."""

    @staticmethod
    def forward(ctx, x, kernel, strides, padding):
        ctx.save_for_backward(x, kernel)
        ctx.strides, ctx.padding = strides, padding
        return _convolve(x, kernel, strides, padding)

    @staticmethod
    def backward(ctx, gradient):
        x, kernel = ctx.saved_tensors
        gradient = gradient.contiguous()
        x_gradient = kernel_gradient = None
        if ctx.needs_input_grad[0]:
            x_gradient = _input_gradient(
                x.shape, kernel, gradient, ctx.strides, ctx.padding
            )
        if ctx.needs_input_grad[1]:
            kernel_gradient = _kernel_gradient(
                x, kernel.shape, gradient, ctx.strides, ctx.padding
            )
        return x_gradient, kernel_gradient, None, None


def _input_gradient(x_shape, kernel, gradient, strides, padding):
    """Convolves the gradient, with zeros between strides, with the flip."""
    if strides != (1, 1, 1):
        # PyTorch's transposed convolution is many times slower.
        lengths = [
            x_shape[1 + axis] + 2 * padding[axis] - kernel.shape[axis] + 1
            for axis in range(3)
        ]
        spread = gradient.new_zeros((x_shape[0], *lengths, x_shape[-1]))
        spread[:, :: strides[0], :: strides[1], :: strides[2]] = gradient
        gradient = spread
    flipped_padding = [
        size - 1 - amount
        for size, amount in zip(kernel.shape, padding, strict=False)
    ]
    return _convolve(gradient, kernel.flip(0, 1, 2), (1, 1, 1), flipped_padding)


def _kernel_gradient(x, kernel_shape, gradient, strides, padding):
    """Sums 2D gradients over all frames at once, tap by tap.

    With the clips laid end to end, a temporal tap is a shift of all frames.
    Output frames whose input would be of another clip are set to zero.
    """
    batch, num_frames, height, width, channels = x.shape
    if strides[0] > 1 or gradient.shape[1] != num_frames:
        return _native_kernel_gradient(
            x, kernel_shape, gradient, strides, padding
        )
    if tuple(kernel_shape[1:3]) == (1, 1) and strides[1] == 1:
        kernel_gradient = _native_kernel_gradient(
            x.reshape(batch, num_frames, height * width, channels),
            (kernel_shape[0], 1, channels),
            gradient.reshape(batch, num_frames, height * width, channels),
            (1, 1),
            (padding[0], 0),
        )
        return kernel_gradient[:, :, None]
    frames = x.flatten(0, 1)
    taps = []
    for tap in range(kernel_shape[0]):
        shift = tap - padding[0]
        tap_frames, tap_gradient = frames, gradient
        if shift:
            tap_gradient = gradient.clone()
        if shift > 0:
            tap_gradient[:, -shift:] = 0
            tap_frames = frames[shift:]
            tap_gradient = tap_gradient.flatten(0, 1)[:-shift]
        elif shift < 0:
            tap_gradient[:, :-shift] = 0
            tap_frames = frames[:shift]
            tap_gradient = tap_gradient.flatten(0, 1)[-shift:]
        else:
            tap_gradient = gradient.flatten(0, 1)
        taps.append(
            _native_kernel_gradient(
                tap_frames,
                kernel_shape[1:],
                tap_gradient,
                strides[1:],
                padding[1:],
            )
        )
    return torch.stack(taps)


def _native_kernel_gradient(x, kernel_shape, gradient, strides, padding):
    """Returns PyTorch's gradient, of channels-last arrays of 2 or 3 axes."""
    *size, channels = kernel_shape
    _, kernel_gradient, _ = torch.ops.aten.convolution_backward(
        gradient.movedim(-1, 1),
        x.movedim(-1, 1),
        x.new_empty((channels, 1, *size)),
        None,
        strides,
        padding,
        (1,) * len(size),
        False,
        (0,) * len(size),
        channels,
        (False, True, False),
    )
    return kernel_gradient[:, 0].movedim(0, -1)
