"""Numerics that Keras lacks or does slowly, for the active backend."""

import keras

if keras.config.backend() == "tensorflow":
    from ssdet_keras.ops.tensorflow import batch_normalization
    from ssdet_keras.ops.tensorflow import depthwise_conv3d
elif keras.config.backend() == "torch":
    from ssdet_keras.ops.torch import batch_normalization
    from ssdet_keras.ops.torch import depthwise_conv3d
elif keras.config.backend() == "jax":
    from ssdet_keras.ops.jax import batch_normalization
    from ssdet_keras.ops.jax import depthwise_conv3d
else:
    raise ImportError(
        "`ssdet_keras` runs on the Keras backends 'tensorflow', 'torch' and "
        f"'jax'. Received: backend={keras.config.backend()!r}"
    )
