"""Initializer of temporal kernels that see motion alone."""

import keras


@keras.saving.register_keras_serializable(package="ssdet_keras")
class ZeroMeanInitializer(keras.initializers.Initializer):
    """He normal weights, less their mean over time.

    A kernel that sums to zero over time gives zero where nothing moves. A
    network that starts with such kernels in its stem learns motion from the
    first step on, instead of what things look like.

    Args:
        seed: Integer or `None`. Seed of the weights.

    Call arguments:
        shape: Shape of a kernel whose first axis is time.
        dtype: Dtype of the weights.

    Example:

    ```python
    backbone = ssdet_keras.models.X3DBackbone(
        "xs",
        stem_temporal_initializer=ssdet_keras.layers.ZeroMeanInitializer(),
    )
    ```
    """

    def __init__(self, seed=None):
        self.seed = seed
        self._initializer = keras.initializers.HeNormal(seed)

    def __call__(self, shape, dtype=None):
        weights = self._initializer(shape, dtype=dtype)
        return weights - keras.ops.mean(weights, axis=0, keepdims=True)

    def get_config(self):
        return {"seed": self.seed}
