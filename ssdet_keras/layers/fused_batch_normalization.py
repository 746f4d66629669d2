"""Batch normalisation by the fused kernels of the backends."""

import keras

from ssdet_keras import ops as ssdet_ops


@keras.saving.register_keras_serializable(package="ssdet_keras")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` of the last axis, quick to train.

    Keras composes the training step of elementary operations, which costs more
    than the convolutions of a small X3D on CPU. This layer calls the fused
    operation of PyTorch and TensorFlow. Weights, moving averages and outputs
    are those of `keras.layers.BatchNormalization`.

    Args:
        momentum: Float. Momentum of the moving averages. Defaults to `0.9`.
        epsilon: Float. Added to the variance. Defaults to `1e-5`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`, and
            the initializers of `keras.layers.BatchNormalization`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.
        training: Boolean. Whether batch statistics normalise.

    Returns:
        Tensor of the same shape.

    Example:

    ```python
    layer = ssdet_keras.layers.FusedBatchNormalization()
    layer(np.ones((2, 16, 56, 56, 24)), training=True)  # zeros
    ```

    Reference:
        [Ioffe and Szegedy, 2015](https://arxiv.org/abs/1502.03167).
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def call(self, inputs, training=None):
        if not training or not self.trainable:
            return super().call(inputs, training=False)
        outputs, mean, variance = ssdet_ops.batch_normalization(
            inputs,
            keras.ops.convert_to_tensor(self.gamma),
            keras.ops.convert_to_tensor(self.beta),
            self.epsilon,
        )
        for moving, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            batch = keras.ops.cast(batch, moving.dtype)
            moving.assign(
                moving * self.momentum + batch * (1.0 - self.momentum)
            )
        return outputs
