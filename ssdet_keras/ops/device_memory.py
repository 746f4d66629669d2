"""Memory of the accelerators of the active backend."""

import keras


def get_peak_device_memory():
    """Returns the most bytes in use on the first GPU or TPU so far, or `None`.

    It is what the arrays of the backend took, not what the backend holds in
    reserve.
    """
    backend = keras.config.backend()
    if backend == "torch":
        import torch

        if torch.cuda.is_available():
            return torch.cuda.max_memory_allocated()
    elif backend == "tensorflow":
        import tensorflow as tf

        if tf.config.list_logical_devices("GPU"):
            return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    elif backend == "jax":
        import jax

        # `None` on CPU.
        memory = jax.local_devices()[0].memory_stats()
        if memory is not None:
            return memory["peak_bytes_in_use"]
    return None
