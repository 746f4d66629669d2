"""Maps a function over many items, in processes that may crash."""

import collections
import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal

from ssdet_keras.data.video_read_error import VideoReadError


def run_jobs(function, items, num_processes=None):
    """Calls a function with each item, and goes on past bad ones.

    Each process works on one item at a time. Where one raises an error, or
    takes its whole process down, as decoders do on a few broken videos, only
    that item fails: another process takes the place of one that crashed. The
    processes end with the caller, even where that is killed.

    Args:
        function: Function of one item. It must be defined at the top of a
            module, or be a `functools.partial` of such a one, for other
            processes to find it.
        items: Sequence of arguments that can be pickled.
        num_processes: Integer or `None`. Number of processes. Defaults to the
            number of CPU cores. With `0`, the calling process does the work,
            and a crash is its own.

    Yields:
        Tuples `(item, result, error)` in the order in which they are done. The
        error is a text that tells why there is no result, or `None`.

    Raises:
        ValueError: If `num_processes` is negative.
        RuntimeError: If processes can't be started.

    Example:

    ```python
    if __name__ == "__main__":
        for path, size, error in run_jobs(os.path.getsize, paths):
            print(path, size if error is None else error)
    ```
    """
    if num_processes is None:
        num_processes = os.cpu_count() or 1
    if num_processes < 0:
        raise ValueError(
            "`num_processes` must not be negative. "
            f"Received: num_processes={num_processes}"
        )
    if num_processes == 0:
        return ((item, *_call(function, item)) for item in items)
    return _run_in_processes(function, items, min(num_processes, len(items)))


def _run_in_processes(function, items, num_processes):
    pending = collections.deque(items)
    workers = {}

    def start():
        worker = _Worker(function)
        workers[worker.connection] = worker

    try:
        for _ in range(num_processes):
            start()
        while workers:
            for connection in multiprocessing.connection.wait(list(workers)):
                worker = workers[connection]
                try:
                    answer = connection.recv()
                except (EOFError, ConnectionError):
                    del workers[connection]
                    answer = None, worker.explain_crash()
                    if pending:
                        start()
                if worker.has_item:
                    yield worker.item, *answer
                if connection not in workers:
                    continue
                if pending:
                    worker.send(pending.popleft())
                else:
                    del workers[connection]
                    worker.stop()
    finally:
        for worker in workers.values():
            worker.kill()


class _Worker:
    """A process that works on one item at a time."""

    def __init__(self, function):
        # Forking a process that has loaded TensorFlow or PyTorch may hang.
        context = multiprocessing.get_context("spawn")
        self.connection, other_end = context.Pipe()
        self.process = context.Process(
            target=_work, args=(other_end, function), daemon=True
        )
        self.process.start()
        # The other process alone holds it, so that its end is noticed.
        other_end.close()
        self.item = None
        self.has_item = False

    def send(self, item):
        """Hands out an item."""
        self.item, self.has_item = item, True
        # It may have crashed just now, which the next `recv()` tells.
        with contextlib.suppress(ConnectionError):
            self.connection.send(item)

    def explain_crash(self):
        """Returns how the process ended."""
        self.connection.close()
        self.process.join()
        code = self.process.exitcode
        how = f"status {code}"
        if code < 0:
            how = signal.Signals(-code).name
        if not self.has_item:
            raise RuntimeError(
                "A process ended before it was given work. Call this from "
                f'under `if __name__ == "__main__":`. Received: {how}'
            )
        return f"the process that worked on it crashed ({how})"

    def stop(self):
        """Lets the process end."""
        self.connection.close()
        self.process.join()

    def kill(self):
        """Ends the process."""
        self.process.terminate()
        self.stop()


def _work(connection, function):
    """Works on items until the other end of the connection is closed."""
    # An interruption of the whole group is for the caller to act on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, ConnectionError):
        connection.send(None)
        while True:
            connection.send(_call(function, connection.recv()))


def _call(function, item):
    """Returns the result and the error, one of which is `None`."""
    try:
        return function(item), None
    except VideoReadError as error:
        return None, error.reason
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"
