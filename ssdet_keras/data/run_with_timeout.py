"""Calls that may never return."""

import threading
from concurrent.futures import Future


def run_with_timeout(function, seconds):
    """Returns what a function returns, if it does so in time.

    The function runs in a thread of its own, which can't be stopped: where it
    hangs it goes on, and ends with the process.

    Args:
        function: Callable without arguments.
        seconds: Float.

    Raises:
        TimeoutError: If the function has not returned by then.
        Exception: What the function raises.
    """
    result = Future()

    def run():
        try:
            result.set_result(function())
        except BaseException as error:
            result.set_exception(error)

    # A daemon, which Python does not wait for at its end.
    threading.Thread(target=run, daemon=True).start()
    return result.result(timeout=seconds)
