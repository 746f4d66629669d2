"""Calls that may never return."""

import queue
import threading
from concurrent.futures import Future

_local = threading.local()


def run_with_timeout(function, seconds):
    """Returns what a function returns, if it does so in time.

    The function runs in another thread, which can't be stopped: where it hangs
    it goes on, and ends with the process. The next call of the same caller has
    that thread again, unless it hangs.

    Args:
        function: Callable without arguments.
        seconds: Float.

    Raises:
        TimeoutError: If the function has not returned by then.
        Exception: What the function raises.
    """
    if not hasattr(_local, "helper"):
        _local.helper = _Helper()
    result = Future()
    _local.helper.calls.put((function, result))
    try:
        return result.result(timeout=seconds)
    except TimeoutError:
        del _local.helper
        raise


class _Helper:
    """A thread that ends with the one that it helps.

    Not a new one for each call: OpenCV keeps a kilobyte of each thread that it
    has seen. A daemon, which Python does not wait for at its end.
    """

    def __init__(self):
        self.calls = queue.SimpleQueue()
        threading.Thread(target=_serve, args=(self.calls,), daemon=True).start()

    def __del__(self):
        self.calls.put(None)


def _serve(calls):
    while (call := calls.get()) is not None:
        function, result = call
        try:
            result.set_result(function())
        except BaseException as error:
            result.set_exception(error)
        # Not kept until the next call.
        del call, function, result
