"""Peak memory of a training step, in a process of its own."""

import concurrent.futures
import multiprocessing

import contenders
from process_memory import forget_peak
from process_memory import read_status

_STEPS = 3


def measure_peak_memory(name, clips, labels, dtype):
    """Returns what three training steps need above a built network.

    Args:
        name: Name of a contender.
        clips: Float32 array of shape `(batch, 16, 224, 224, 3)`.
        labels: Integer array of shape `(batch,)`.
        dtype: `"float32"` or `"bfloat16"`.

    Returns:
        Integer, bytes of resident memory.
    """
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as executor:
        return executor.submit(
            _measure_here, name, clips, labels, dtype
        ).result()


def _measure_here(name, clips, labels, dtype):
    step = contenders.make_training_step(name, clips, labels, dtype)
    before = read_status("VmRSS")
    # The peak until now may be that of a compiler.
    forget_peak()
    for _ in range(_STEPS):
        step()
    return read_status("VmHWM") - before
