"""Signals that ask a program to stop."""

import signal
import threading


class StopSignals:
    """Takes note of the first SIGTERM or SIGINT instead of ending at once.

    A second one does what it does elsewhere. Signals that are ignored, as
    `nohup` and background jobs of a shell do, stay ignored. Outside of the main
    thread, where Python allows no handlers, this does nothing.

    Attributes:
        received: `signal.Signals` or `None`.

    Example:

    ```python
    with StopSignals() as signals:
        while not signals.received:
            ...
    ```
    """

    def __init__(self):
        self.received = None
        self._handlers = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                handler = signal.getsignal(number)
                # `None`: one that was not installed by Python.
                if handler not in (None, signal.SIG_IGN):
                    self._handlers[number] = handler
                    signal.signal(number, self._receive)
        return self

    def __exit__(self, *error):
        while self._handlers:
            signal.signal(*self._handlers.popitem())

    def _receive(self, number, frame):
        self.received = signal.Signals(number)
        self.__exit__()
