"""Numerics that Keras lacks or does slowly, for the active backend."""

import keras

if keras.config.backend() == "tensorflow":
    from ssdet_keras.ops.tensorflow import add_relu
    from ssdet_keras.ops.tensorflow import batch_normalization
    from ssdet_keras.ops.tensorflow import conv3d
    from ssdet_keras.ops.tensorflow import depthwise_conv3d
    from ssdet_keras.ops.tensorflow import fold_normalization
    from ssdet_keras.ops.tensorflow import max_pool3d
    from ssdet_keras.ops.tensorflow import pointwise_conv3d
    from ssdet_keras.ops.tensorflow import relu
    from ssdet_keras.ops.tensorflow import silu
    from ssdet_keras.ops.tensorflow import spatial_conv3d
    from ssdet_keras.ops.tensorflow import squeeze_excite
elif keras.config.backend() == "torch":
    from ssdet_keras.ops.torch import add_relu
    from ssdet_keras.ops.torch import batch_normalization
    from ssdet_keras.ops.torch import conv3d
    from ssdet_keras.ops.torch import depthwise_conv3d
    from ssdet_keras.ops.torch import fold_normalization
    from ssdet_keras.ops.torch import max_pool3d
    from ssdet_keras.ops.torch import pointwise_conv3d
    from ssdet_keras.ops.torch import relu
    from ssdet_keras.ops.torch import silu
    from ssdet_keras.ops.torch import spatial_conv3d
    from ssdet_keras.ops.torch import squeeze_excite
elif keras.config.backend() == "jax":
    from ssdet_keras.ops.jax import add_relu
    from ssdet_keras.ops.jax import batch_normalization
    from ssdet_keras.ops.jax import conv3d
    from ssdet_keras.ops.jax import depthwise_conv3d
    from ssdet_keras.ops.jax import fold_normalization
    from ssdet_keras.ops.jax import max_pool3d
    from ssdet_keras.ops.jax import pointwise_conv3d
    from ssdet_keras.ops.jax import relu
    from ssdet_keras.ops.jax import silu
    from ssdet_keras.ops.jax import spatial_conv3d
    from ssdet_keras.ops.jax import squeeze_excite
else:
    raise ImportError(
        "`ssdet_keras` runs on the Keras backends 'tensorflow', 'torch' and "
        f"'jax'. Received: backend={keras.config.backend()!r}"
    )
