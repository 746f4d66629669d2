"""Numerics on PyTorch."""

import operator

import torch
from torch.nn import functional

from ssdet_keras.ops.convolution_shapes import padding_amounts
from ssdet_keras.ops.convolution_shapes import pads
from ssdet_keras.ops.convolution_shapes import phases

# Values of an array up to which plain passes, in the cache, are quickest.
_CACHED_SIZE = 2**18


def depthwise_conv3d(
    x, kernel, bias=None, strides=(1, 1, 1), padding="same", rectify=False
):
    """Convolves every channel with its own kernel over time and space.

    Args:
        x: Tensor of shape `(batch, frames, height, width, channels)`.
        kernel: Tensor of shape `(k_frames, k_height, k_width, channels)`.
        bias: Optional tensor of shape `(channels,)`.
        strides: Three integers.
        padding: `"same"` (`k // 2` zeros on both sides) or `"valid"`.
        rectify: Boolean. Whether a ReLU follows.

    Returns:
        Tensor of shape `(batch, new_frames, new_height, new_width, channels)`.
    """
    padding = padding_amounts(kernel.shape[:3], padding)
    if x.device.type == "cpu" and torch.is_grad_enabled():
        y = _DepthwiseConv3D.apply(
            x.contiguous(), kernel, bias, tuple(strides), padding
        )
    else:
        y = _convolve(x, kernel, bias, strides, padding)
    return relu(y) if rectify else y


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
    if x.device.type != "cpu":
        y = functional.linear(x[:, :, ::stride, ::stride], kernel.t(), bias)
        return _add_and_rectify(y, shortcut, rectify)
    # oneDNN's convolution, which on some processors is twice as quick as the
    # matrix product of MKL.
    kernel, strides = _filters_first(kernel[None, None]), (stride, stride)
    if _records_nothing(x):
        y = _convolve_in_one_pass(x, kernel, bias, strides, shortcut, rectify)
        return y.movedim(1, -1).unflatten(0, x.shape[:2])
    y = functional.conv2d(_to_images(x), kernel, bias, strides)
    y = y.movedim(1, -1).unflatten(0, x.shape[:2])
    return _add_and_rectify(y, shortcut, rectify)


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
    y = functional.conv2d(
        _to_images(x),
        _filters_first(kernel),
        stride=stride,
        padding=kernel.shape[0] // 2,
    )
    return y.movedim(1, -1).unflatten(0, x.shape[:2])


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
    x, padding = _pad_evenly(x, kernel.shape[:3], strides, padding, value=0.0)
    # A permuted view is channels_last_3d to PyTorch.
    y = functional.conv3d(
        x.movedim(-1, 1),
        _filters_first(kernel),
        bias,
        stride=strides,
        padding=padding,
    )
    return relu(y.movedim(1, -1)) if rectify else y.movedim(1, -1)


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
    x, padding = _pad_evenly(x, pool_size, strides, padding, float("-inf"))
    if pool_size[0] == strides[0] == 1:
        # Six times quicker on CPU.
        y = functional.max_pool2d(
            _to_images(x), pool_size[1:], strides[1:], padding[1:]
        )
        return y.movedim(1, -1).unflatten(0, x.shape[:2])
    y = functional.max_pool3d(x.movedim(-1, 1), pool_size, strides, padding)
    return y.movedim(1, -1)


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
    if synchronized and torch.distributed.is_initialized():
        return _normalize_together(x, gamma, beta, epsilon, rectify)
    normalize = _normalize
    if x.device.type == "cpu" and x.dtype == torch.float32:
        normalize = _BatchNormalization.apply
    outputs, mean, inverse_deviation = normalize(
        x.contiguous(), gamma, beta, epsilon, rectify
    )
    return outputs, mean.detach(), inverse_deviation.detach() ** -2 - epsilon


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
    scale = gamma * torch.rsqrt(variance + epsilon)
    bias = torch.addcmul(beta, mean, scale, value=-1)
    return (kernel * scale).to(kernel.dtype), bias.to(kernel.dtype)


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
    if x.device.type == "cpu" and torch.is_grad_enabled():
        return _SqueezeExcite.apply(x.contiguous(), *weights)
    return x * _gates(_mean_over_pixels(x), *weights)


def silu(x):
    """Returns `x * sigmoid(x)`. It may overwrite `x`."""
    return functional.silu(x, inplace=not torch.is_grad_enabled())


def relu(x):
    """Returns `max(x, 0)`. It may overwrite `x`."""
    return torch.relu(x) if torch.is_grad_enabled() else torch.relu_(x)


def add_relu(x, y):
    """Returns `max(x + y, 0)`. It may overwrite `x`."""
    total = x + y if torch.is_grad_enabled() else x.add_(y)
    return torch.relu_(total)


def _filters_first(kernel):
    """Returns a kernel of shape `(filters, channels, ...)`, channels last.

    A matrix is transposed ten times as quickly as PyTorch's convolutions copy a
    permuted kernel.
    """
    *sizes, channels, _ = kernel.shape
    matrix = kernel.flatten(0, -2).t().contiguous()
    return matrix.unflatten(1, (*sizes, channels)).movedim(-1, 1)


def _to_images(x):
    """Returns the frames of all videos, as 2D operations take them."""
    return x.flatten(0, 1).movedim(-1, 1)


def _pad_evenly(x, kernel_size, strides, padding, value):
    """Returns a video, and the amounts to pad on both sides of each axis."""
    amounts = pads(x.shape[1:4], kernel_size, strides, padding)
    if all(before == after for before, after in amounts):
        return x, tuple(before for before, _ in amounts)
    # From the last axis to the first.
    flat = [n for pair in reversed(amounts) for n in pair]
    return functional.pad(x, (0, 0, *flat), value=value), (0, 0, 0)


def _add_and_rectify(y, shortcut, rectify):
    if shortcut is not None:
        return add_relu(y, shortcut) if rectify else y + shortcut
    return relu(y) if rectify else y


def _records_nothing(x):
    """Returns whether operations without gradients or exports may be used."""
    return (
        x.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and not torch.is_grad_enabled()
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
    )


def _convolve_in_one_pass(x, kernel, bias, strides, shortcut, rectify):
    """Convolves, adds and rectifies by one operation, as torch.compile does."""
    convolve = torch.ops.mkldnn._convolution_pointwise
    arguments = (kernel, bias, (0, 0), strides, (1, 1), 1)
    if shortcut is None:
        activation = "relu" if rectify else "none"
        return convolve(_to_images(x), *arguments, activation, [], "")
    return convolve.binary(
        _to_images(x),
        _to_images(shortcut),
        *arguments,
        "add",
        1.0,
        "relu" if rectify else None,
        [],
        "",
    )


def _convolve(x, kernel, bias, strides, padding):
    is_temporal = tuple(kernel.shape[1:3]) == (1, 1)
    if is_temporal and tuple(strides) == (1, 1, 1) and not any(padding[1:]):
        # Over time alone: in 2D, over frames and flattened pixels.
        y = functional.conv2d(
            x.flatten(2, 3).movedim(-1, 1),
            kernel[:, 0].permute(2, 0, 1)[:, None],
            bias,
            padding=(padding[0], 0),
            groups=kernel.shape[-1],
        )
        return y.movedim(1, -1).unflatten(2, x.shape[2:4])
    # A permuted view is channels_last_3d to PyTorch. A contiguous NCDHW copy
    # is ten times slower on CPU.
    y = functional.conv3d(
        x.movedim(-1, 1),
        kernel.movedim(-1, 0)[:, None],
        bias,
        stride=strides,
        padding=padding,
        groups=kernel.shape[-1],
    )
    return y.movedim(1, -1)


class _DepthwiseConv3D(torch.autograd.Function):
    """PyTorch's own gradients of this convolution are slow on CPU."""

    @staticmethod
    def forward(ctx, x, kernel, bias, strides, padding):
        ctx.save_for_backward(x, kernel)
        ctx.strides, ctx.padding = strides, padding
        return _convolve(x, kernel, bias, strides, padding)

    @staticmethod
    def backward(ctx, gradient):
        x, kernel = ctx.saved_tensors
        gradient = gradient.contiguous()
        x_gradient = kernel_gradient = bias_gradient = None
        if ctx.needs_input_grad[0]:
            x_gradient = _input_gradient(
                x.shape, kernel, gradient, ctx.strides, ctx.padding
            )
        if ctx.needs_input_grad[1]:
            kernel_gradient = _kernel_gradient(
                x, kernel.shape, gradient, ctx.strides, ctx.padding
            )
        if ctx.needs_input_grad[2]:
            bias_gradient = gradient.sum((0, 1, 2, 3))
        return x_gradient, kernel_gradient, bias_gradient, None, None


def _input_gradient(x_shape, kernel, gradient, strides, padding):
    """Convolves the gradient with the flipped kernel.

    With strides, the inputs of each phase (the even and the odd ones, with
    stride 2) belong to other taps. PyTorch's transposed convolution is many
    times slower.
    """
    if strides == (1, 1, 1):
        return _correlate(gradient, kernel, padding, x_shape[1:4])
    # Every input has a tap, unless a stride is larger than the kernel.
    has_gaps = any(map(operator.gt, strides, kernel.shape))
    new = gradient.new_zeros if has_gaps else gradient.new_empty
    x_gradient = new(x_shape)
    for phase, taps, shifts in phases(strides, padding):
        part = x_gradient[:, *map(slice, phase, x_shape[1:4], strides)]
        if kernel[taps].numel() and part.numel():
            part.copy_(
                _correlate(gradient, kernel[taps], shifts, part.shape[1:4])
            )
    return x_gradient


def _correlate(gradient, kernel, shifts, lengths):
    """Sums `kernel[k] * gradient[i + shift - k]` over `k`, for `i < length`."""
    ends = zip(kernel.shape, shifts, lengths, gradient.shape[1:4], strict=False)
    # Symmetric zeros around the gradient, of which too many are dropped.
    before = [
        size - 1 - shift
        for size, shift in zip(kernel.shape, shifts, strict=False)
    ]
    after = [length + shift - given for _, shift, length, given in ends]
    padding = [max(b, a, 0) for b, a in zip(before, after, strict=True)]
    y = _convolve(gradient, kernel.flip(0, 1, 2), None, (1, 1, 1), padding)
    start = [p - b for p, b in zip(padding, before, strict=True)]
    return y[:, *(slice(s, s + n) for s, n in zip(start, lengths, strict=True))]


def _kernel_gradient(x, kernel_shape, gradient, strides, padding):
    """Sums 2D gradients over all frames at once, tap by tap."""
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
    taps = [
        _tap_gradient(
            x,
            kernel_shape[1:],
            gradient,
            strides[1:],
            padding[1:],
            tap - padding[0],
        )
        for tap in range(kernel_shape[0])
    ]
    return torch.stack(taps)


def _tap_gradient(x, kernel_shape, gradient, strides, padding, shift):
    """Returns the gradient of the 2D kernel between frames `shift` apart.

    The clips are laid end to end, so that one call takes all frames. The pairs
    of frames that are of two clips are subtracted after it.
    """
    if abs(shift) >= x.shape[1]:
        return x.new_zeros(kernel_shape)

    def sum_over_pairs(x, gradient):
        x, gradient = x.flatten(0, 1), gradient.flatten(0, 1)
        return _native_kernel_gradient(
            x, kernel_shape, gradient, strides, padding
        )

    frames, gradients = x.flatten(0, 1), gradient.flatten(0, 1)
    if shift == 0:
        return sum_over_pairs(x, gradient)
    if shift > 0:
        pairs = frames[None, shift:], gradients[None, :-shift]
        between_clips = x[1:, :shift], gradient[:-1, -shift:]
    else:
        pairs = frames[None, :shift], gradients[None, -shift:]
        between_clips = x[:-1, shift:], gradient[1:, :-shift]
    total = sum_over_pairs(*pairs)
    return total - sum_over_pairs(*between_clips) if len(x) > 1 else total


def _native_kernel_gradient(x, kernel_shape, gradient, strides, padding):
    """Returns PyTorch's gradient, of channels-last arrays of 2 or 3 axes."""
    return _native_gradients(
        x, kernel_shape, gradient, strides, padding, with_bias=False
    )[0]


def _native_gradients(
    x, kernel_shape, gradient, strides, padding, with_bias=True
):
    """As `_native_kernel_gradient`, with that of a bias."""
    *size, channels = kernel_shape
    _, kernel_gradient, bias_gradient = torch.ops.aten.convolution_backward(
        gradient.movedim(-1, 1),
        x.movedim(-1, 1),
        x.new_empty((channels, 1, *size)),
        (channels,) if with_bias else None,
        strides,
        padding,
        (1,) * len(size),
        False,
        (0,) * len(size),
        channels,
        (False, True, with_bias),
    )
    return kernel_gradient[:, 0].movedim(0, -1), bias_gradient


def _normalize(x, gamma, beta, epsilon, rectify):
    outputs, mean, inverse_deviation = torch.native_batch_norm(
        x.movedim(-1, 1), gamma, beta, None, None, True, 0.0, epsilon
    )
    if rectify:
        # Before the view: PyTorch copies the base of one that is overwritten.
        outputs = outputs.relu_()
    return outputs.movedim(1, -1), mean, inverse_deviation


def _normalize_together(x, gamma, beta, epsilon, rectify):
    values = x.to(gamma.dtype)
    axes = tuple(range(x.ndim - 1))
    own_mean = values.mean(axes)
    mean = _average(own_mean)
    variance = _average(values.var(axes, correction=0) + (own_mean - mean) ** 2)
    outputs = (values - mean) * torch.rsqrt(variance + epsilon) * gamma + beta
    outputs = outputs.to(x.dtype)
    if rectify:
        outputs = torch.relu(outputs)
    return outputs, mean.detach(), variance.detach()


def _average(x):
    """Returns the mean over all processes, with a gradient."""
    return _AllReduce.apply(x) / torch.distributed.get_world_size()


class _AllReduce(torch.autograd.Function):
    """The sum over all processes. Its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx, x):
        total = x.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, gradient):
        return _AllReduce.forward(ctx, gradient.contiguous())


class _BatchNormalization(torch.autograd.Function):
    """`_normalize` with a gradient that allocates less.

    Each of PyTorch's own passes makes a new array, which on CPU costs more than
    the arithmetic where arrays are large.
    """

    @staticmethod
    def forward(ctx, x, gamma, beta, epsilon, rectify):
        outputs, mean, inverse_deviation = _normalize(
            x, gamma, beta, epsilon, rectify
        )
        ctx.save_for_backward(
            x, gamma, mean, inverse_deviation, outputs if rectify else None
        )
        ctx.mark_non_differentiable(mean, inverse_deviation)
        return outputs, mean, inverse_deviation

    @staticmethod
    def backward(ctx, gradient, *_):
        x, gamma, mean, inverse_deviation, outputs = ctx.saved_tensors
        gradient = gradient.contiguous()
        x_gradient = None
        if outputs is not None:
            gradient = torch.ops.aten.threshold_backward(gradient, outputs, 0)
            x_gradient = gradient
        # A depthwise convolution with one tap has the gradients
        # sum(x * gradient) and sum(gradient).
        products, beta_gradient = _native_gradients(
            x.flatten(0, 1),
            (1, 1, x.shape[-1]),
            gradient.flatten(0, 1),
            strides=(1, 1),
            padding=(0, 0),
        )
        products = products.flatten()
        # To centre `x` first would be more exact where the mean is far larger
        # than the deviation, and costs a pass.
        gamma_gradient = inverse_deviation * (products - mean * beta_gradient)
        scale = gamma * inverse_deviation
        count = x.numel() // x.shape[-1]
        x_scale = -scale * inverse_deviation * gamma_gradient / count
        shift = -scale * beta_gradient / count - x_scale * mean
        x_gradient = torch.addcmul(shift, gradient, scale, out=x_gradient)
        x_gradient.addcmul_(x, x_scale)
        return x_gradient, gamma_gradient, beta_gradient, None, None


def _mean_over_pixels(x):
    # PyTorch's mean over the leading axes is many times slower on CPU.
    frames = functional.avg_pool2d(x.flatten(0, 1).movedim(-1, 1), x.shape[2:4])
    return frames.flatten(1).unflatten(0, x.shape[:2]).mean(1)


def _gates(means, reduce_kernel, reduce_bias, expand_kernel, expand_bias):
    hidden = torch.relu(torch.addmm(reduce_bias, means, reduce_kernel))
    gates = torch.sigmoid(torch.addmm(expand_bias, hidden, expand_kernel))
    return gates[:, None, None, None]


def _sum_of_products(x, y):
    """Returns the sums of `x * y` over all axes but the last, `(channels,)`."""
    if x.numel() <= _CACHED_SIZE:
        return (x * y).flatten(0, -2).sum(0)
    # Without an array of the products.
    products = _native_kernel_gradient(
        x, (1, 1, x.shape[-1]), y, strides=(1, 1), padding=(0, 0)
    )
    return products.flatten()


class _SqueezeExcite(torch.autograd.Function):
    """Reads the video twice in the backward pass, where PyTorch does so often.

    The gates are small: their own gradient is left to PyTorch.
    """

    @staticmethod
    def forward(ctx, x, *weights):
        means = _mean_over_pixels(x)
        gates = _gates(means, *weights)
        ctx.save_for_backward(x, means, gates, *weights)
        return x * gates

    @staticmethod
    def backward(ctx, gradient):
        x, means, gates, *weights = ctx.saved_tensors
        gradient = gradient.contiguous()
        gates_gradient = torch.stack(
            [
                _sum_of_products(*clips)
                for clips in zip(x, gradient, strict=True)
            ]
        )
        with torch.enable_grad():
            inputs = [
                tensor.detach().requires_grad_() for tensor in (means, *weights)
            ]
            means_gradient, *weight_gradients = torch.autograd.grad(
                _gates(*inputs), inputs, gates_gradient[:, None, None, None]
            )
        num_pixels = x[0, ..., 0].numel()
        means_gradient = means_gradient[:, None, None, None] / num_pixels
        x_gradient = torch.addcmul(means_gradient, gradient, gates)
        return x_gradient, *weight_gradients
