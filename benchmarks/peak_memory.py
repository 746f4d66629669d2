"""Peak memory of a training step, in a process of its own."""

import concurrent.futures
import multiprocessing
import pathlib
import re

import contenders

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
    before = _read_status("VmRSS")
    # Forgets the peak until now, which may be that of a compiler.
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    for _ in range(_STEPS):
        step()
    return _read_status("VmHWM") - before


def _read_status(field):
    """Returns a number of bytes that Linux keeps about this process."""
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{field}:\s+(\d+) kB", status)[1])
