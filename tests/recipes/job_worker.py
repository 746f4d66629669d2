"""The program of the jobs in `job_runner_test.py`.

    python job_worker.py --result=a.json --seconds=0.1

Does what the flags say, and writes the arguments into the result. The
start and the end are noted in `events.txt` beside it.

    --waits=FILE        wait for a file
    --reads=FILE        end with status 3 where a file is missing, with a result
                        with --late=1
    --seconds=FLOAT     sleep
    --no_result=1       write none
    --stops=1           wait for signals, and take time to save
"""

import json
import os
import pathlib
import signal
import sys
import time

_PATIENCE = 60


class Signals:
    """Notes every signal in a file, as training recipes save at the first."""

    def __init__(self, path):
        self.received = []
        self._path = path
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def _receive(self, number, frame):
        self.received.append(signal.Signals(number).name)
        self._path.write_text(" ".join(self.received))


def wait_until(condition):
    """Waits for a condition. Ends the program if it never holds."""
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit("It never happened.")
        time.sleep(0.01)


def main():
    """Does what the flags say."""
    options = dict(flag[2:].split("=", 1) for flag in sys.argv[1:])
    result = pathlib.Path(options["result"])
    # Before anyone knows that it has started.
    signals = (
        Signals(result.with_suffix(".signals")) if "stops" in options else None
    )

    def note(what):
        with open(result.with_name("events.txt"), "a") as file:
            file.write(f"{what} {result.stem}\n")

    note("start")
    threads = os.environ.get("OMP_NUM_THREADS")
    sys.stdout.write(f"Output of {result.stem} {threads}\n")
    sys.stderr.write(f"Error of {result.stem}\n")
    is_missing = "reads" in options and not os.path.exists(options["reads"])
    result.with_suffix(".started").write_text(str(os.getpid()))
    if "waits" in options:
        wait_until(pathlib.Path(options["waits"]).exists)
    if signals is not None:
        wait_until(lambda: signals.received)
        # Long enough for a second signal.
        time.sleep(1)
        result.with_suffix(".saved").touch()
        sys.exit(128 + signal.SIGTERM)
    if is_missing:
        if "late" in options:
            result.touch()
        sys.exit(3)
    time.sleep(float(options.get("seconds", 0)))
    note("end")
    if "no_result" not in options:
        result.write_text(json.dumps(sys.argv[1:]))


if __name__ == "__main__":
    main()
