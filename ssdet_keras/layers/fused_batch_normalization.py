"""Batch normalisation by the fused kernels of the backends."""

import keras
from keras import ops

from ssdet_keras import ops as ssdet_ops
from ssdet_keras.layers.known_channels import known_channels


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
        activation: `"relu"` or `None`. What follows, in the same pass.
            Defaults to `None`.
        synchronized: Boolean. Whether the statistics of a batch are those of
            all processes and devices that train together. On JAX they are so
            in any case. Defaults to `False`.
        sub_batch_size: Integer or `None`. Clips that are normalised by their
            own statistics in training, whatever the size of the batch, which
            must be a multiple of it. The moving averages are those of the mean
            over the sub-batches. Defaults to `None`, the whole batch, which is
            quicker.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`, and
            the initializers of `keras.layers.BatchNormalization`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.
        training: Boolean. Whether batch statistics normalise.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: If `activation` is unknown, if another axis than the last or
            no `center` or `scale` is asked for, if `sub_batch_size` is not
            positive, if the inputs are not of rank 5, or if the batch is no
            multiple of the sub-batch.

    Example:

    ```python
    layer = ssdet_keras.layers.FusedBatchNormalization()
    layer(np.ones((2, 16, 56, 56, 24)), training=True)  # zeros
    ```

    Reference:
        [Ioffe and Szegedy, 2015](https://arxiv.org/abs/1502.03167);
        [Wu et al., 2020](https://arxiv.org/abs/1912.00998), section 4.1, for
        sub-batches.
    """

    def __init__(
        self,
        momentum=0.9,
        epsilon=1e-5,
        activation=None,
        synchronized=False,
        sub_batch_size=None,
        **kwargs,
    ):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)
        if activation not in (None, "relu"):
            raise ValueError(
                "`activation` must be 'relu' or None. "
                f"Received: activation={activation!r}"
            )
        if self.axis != -1 or not self.center or not self.scale:
            raise ValueError(
                "`axis` must be -1, and `center` and `scale` True. Received: "
                f"axis={self.axis}, center={self.center}, scale={self.scale}"
            )
        if sub_batch_size is not None and sub_batch_size < 1:
            raise ValueError(
                "`sub_batch_size` must be positive or None. "
                f"Received: sub_batch_size={sub_batch_size}"
            )
        self.activation = activation
        # The layer of Keras takes it on TensorFlow alone.
        self.synchronized = synchronized
        self.sub_batch_size = sub_batch_size

    def build(self, input_shape):
        known_channels(input_shape)
        super().build(input_shape)

    def call(self, inputs, training=None):
        if not self.uses_batch_statistics(training):
            outputs = super().call(inputs, training=False)
            return ssdet_ops.relu(outputs) if self.activation else outputs
        if self.sub_batch_size is None:
            outputs, mean, variance = ssdet_ops.batch_normalization(
                inputs,
                self.gamma.value,
                self.beta.value,
                self.epsilon,
                rectify=self.activation == "relu",
                synchronized=self.synchronized,
            )
        else:
            outputs, mean, variance = self._normalize_sub_batches(inputs)
        for moving, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            batch = ops.cast(batch, moving.dtype)
            moving.assign(
                moving * self.momentum + batch * (1.0 - self.momentum)
            )
        return outputs

    def _normalize_sub_batches(self, inputs):
        batch_size, *clip_shape = ops.shape(inputs)
        size = self.sub_batch_size
        if isinstance(batch_size, int) and batch_size % size:
            raise ValueError(
                f"`inputs` must be a multiple of {size} clips, the "
                f"`sub_batch_size`. Received: inputs.shape={inputs.shape}"
            )
        axes = (1, 2, 3, 4)
        x = ops.reshape(inputs, (-1, size, *clip_shape))
        x = ops.cast(x, self.gamma.dtype)
        mean = ops.mean(x, axes, keepdims=True)
        x = x - mean
        variance = ops.mean(ops.square(x), axes, keepdims=True)
        x = x * (self.gamma * ops.rsqrt(variance + self.epsilon)) + self.beta
        x = ops.reshape(x, (batch_size, *clip_shape))
        x = ops.cast(x, inputs.dtype)
        outputs = ssdet_ops.relu(x) if self.activation else x
        mean, variance = (
            ops.stop_gradient(ops.mean(statistic, (0, *axes)))
            for statistic in (mean, variance)
        )
        return outputs, mean, variance

    def uses_batch_statistics(self, training):
        """Returns whether a call with `training` normalises by its batch."""
        return bool(training) and self.trainable

    def fold(self, kernel):
        """Returns a convolution that includes this layer at inference.

        Args:
            kernel: Tensor of shape `(..., channels)`, of a convolution.

        Returns:
            Tuple of its kernel and its bias, before the activation.
        """
        return ssdet_ops.fold_normalization(
            kernel,
            self.gamma.value,
            self.beta.value,
            self.moving_mean.value,
            self.moving_variance.value,
            self.epsilon,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "activation": self.activation,
            "sub_batch_size": self.sub_batch_size,
        }
