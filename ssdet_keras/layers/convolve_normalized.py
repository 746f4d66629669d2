"""Convolution and batch normalisation in one."""

from ssdet_keras import ops as ssdet_ops


def convolve_normalized(
    convolution, norm, inputs, training=None, shortcut=None
):
    """Returns `norm(convolution(inputs))`.

    Where moving averages normalise, they are folded into the weights of the
    convolution, so that the outputs are touched once.

    Args:
        convolution: `PointwiseConv3D` or `DepthwiseConv3D` without a bias.
        norm: `FusedBatchNormalization`.
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.
        training: Boolean. Whether batch statistics normalise.
        shortcut: Optional tensor of the shape of the outputs, of a
            `PointwiseConv3D`: the sum of both is returned, after a ReLU.

    Returns:
        The outputs of `norm`.
    """
    if norm.uses_batch_statistics(training):
        outputs = norm(convolution(inputs), training=True)
        if shortcut is not None:
            outputs = ssdet_ops.add_relu(outputs, shortcut)
        return outputs
    kernel, bias = norm.fold(convolution.kernel.value)
    if shortcut is not None:
        return convolution.convolve(
            inputs, kernel, bias, shortcut=shortcut, rectify=True
        )
    return convolution.convolve(
        inputs, kernel, bias, rectify=norm.activation == "relu"
    )
