"""Results that are the same from run to run."""

import os

import keras


def use_deterministic_ops():
    """Makes the backend compute the same bits in every run, on GPUs too.

    Where it has no such kernel, PyTorch and TensorFlow raise an error, and XLA
    does. It costs speed. Call it before the first operation: libraries read
    their settings when they start.

    Reference:
        `torch.use_deterministic_algorithms`,
        `tf.config.experimental.enable_op_determinism`, and
        `--xla_gpu_deterministic_ops` of XLA.
    """
    backend = keras.config.backend()
    if backend == "torch":
        import torch

        # Of cuBLAS, which adds in any order without it.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    elif backend == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    else:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true"
