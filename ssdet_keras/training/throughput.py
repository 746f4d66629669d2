"""Speed and memory of training."""

import sys
import time

import keras

from ssdet_keras.ops.device_memory import get_peak_device_memory


class Throughput(keras.callbacks.Callback):
    """Measures every epoch, and adds what it measures to the logs of it.

        clips_per_second   clips of the steps, per second of the epoch
        wait_share         share of the epoch that steps waited for their clips
        memory_gib         peak memory of the process so far, in GiB
        gpu_memory_gib     that of arrays on the first GPU, where there is one

    Callbacks that come after it, such as `EpochLog`, see them. A high share of
    waiting asks for more workers, or for smaller videos.

    Args:
        batches: `ClipBatches` that the model is trained on.

    Example:

    ```python
    model.fit(
        batches, steps_per_epoch=len(batches),
        callbacks=[ssdet_keras.training.Throughput(batches)],
    )
    ```
    """

    def __init__(self, batches):
        super().__init__()
        self._batches = batches
        self._num_batches = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._start = self._ready = time.perf_counter()
        self._waited = 0.0
        self._num_steps = 0

    def on_train_batch_end(self, batch, logs=None):
        # TensorFlow asks for a batch ahead, in a thread of its own, and for the
        # first one after the step is traced, which is no waiting.
        asked, delivered = self._batches.times_of(self._num_batches)
        self._waited += max(0.0, delivered - max(asked, self._ready))
        self._num_batches += 1
        self._num_steps += 1
        self._ready = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        if logs is None:
            return
        seconds = time.perf_counter() - self._start
        num_clips = self._num_steps * self._batches.batch_size
        logs["clips_per_second"] = _round(num_clips / seconds)
        logs["wait_share"] = _round(self._waited / seconds)
        logs["memory_gib"] = _round(_get_peak_memory() / 2**30)
        gpu_memory = get_peak_device_memory()
        if gpu_memory is not None:
            logs["gpu_memory_gib"] = _round(gpu_memory / 2**30)


def _round(value):
    return float(f"{value:.4g}")


def _get_peak_memory():
    # Of Unix alone.
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
