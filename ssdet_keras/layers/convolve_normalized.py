"""Convolution and batch normalisation in one."""


def convolve_normalized(convolution, norm, inputs, training=None):
    """Returns `norm(convolution(inputs))`.

    Where moving averages normalise, they are folded into the weights of the
    convolution, so that the outputs are touched once.

    Args:
        convolution: `PointwiseConv3D` or `DepthwiseConv3D` without a bias.
        norm: `FusedBatchNormalization`.
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.
        training: Boolean. Whether batch statistics normalise.

    Returns:
        The outputs of `norm`.
    """
    if norm.uses_batch_statistics(training):
        return norm(convolution(inputs), training=True)
    kernel, bias = norm.fold(convolution.kernel.value)
    return norm.activate(convolution.convolve(inputs, kernel, bias))
