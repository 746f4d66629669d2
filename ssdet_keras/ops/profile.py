"""Traces by the profilers of the backends."""

import contextlib
import os

import keras


@contextlib.contextmanager
def profile(folder):
    """Traces what is run in its context, by the profiler of the backend.

    The files are those of `torch.profiler` (`trace.json`), of `tf.profiler`
    (`plugins/profile/*/*.xplane.pb`) and of `jax.profiler` (the same, and
    `perfetto_trace.json.gz` beside it).

    Args:
        folder: String or path-like. It is made where it is missing.
    """
    folder = os.fspath(folder)
    os.makedirs(folder, exist_ok=True)
    backend = keras.config.backend()
    if backend == "torch":
        import torch

        # On CPU, and on GPUs where there are some.
        with torch.profiler.profile() as trace:
            yield
        trace.export_chrome_trace(os.path.join(folder, "trace.json"))
    elif backend == "tensorflow":
        import tensorflow as tf

        with tf.profiler.experimental.Profile(folder):
            yield
    else:
        import jax

        with jax.profiler.trace(folder, create_perfetto_trace=True):
            yield
