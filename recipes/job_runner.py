"""Jobs that wait for one another, and run side by side."""

import concurrent.futures
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import threading
import time

import keras
from absl import logging

from ssdet_keras.data.atomic_write import atomic_write
from ssdet_keras.recipes.device_name import get_device_name
from ssdet_keras.version import get_commit

_RECIPES = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """A recipe with its flags.

    Attributes:
        name: String. It names the files of the job, too.
        command: Tuple of strings: a file of recipes/, and its arguments.
        result: Path of the file that the recipe writes last.
        needs: Tuple of the jobs whose files it reads.
        statuses: Tuple of the exit statuses that are no failure.
    """

    name: str
    command: tuple
    result: pathlib.Path
    needs: tuple = ()
    statuses: tuple = (0,)

    @property
    def text(self):
        """String. The command, to be typed into a shell."""
        script, *arguments = self.command
        return shlex.join(["python", f"recipes/{script}", *arguments])


class JobRunner:
    """Runs jobs as processes, and keeps a record of each.

        folder/NAME.json    command, commit, backend, device, start, seconds
        folder/NAME.log     what it printed

    A job whose record and result are there is not run again. One with a
    `--workdir` gets `--resume=True`, to go on where it was interrupted.
    Ctrl-C, SIGTERM and SIGHUP end the jobs by SIGTERM, on which trainings save.

    Args:
        folder: Path of the records.
        num_processes: Integer. Jobs at a time, which share the CPU cores.

    Example:

    ```python
    failures = JobRunner(pathlib.Path("jobs"), 2).run([warm_up, pretraining])
    ```
    """

    def __init__(self, folder, num_processes=1):
        self.folder = folder
        self.num_processes = num_processes
        self._device = get_device_name()
        self._processes = set()
        self._is_stopped = False
        self._lock = threading.Lock()

    def record_path(self, job):
        return self.folder / f"{job.name}.json"

    def log_path(self, job):
        return self.folder / f"{job.name}.log"

    def read_record(self, job):
        """Returns the dict that was recorded of a job, or `None`."""
        try:
            text = self.record_path(job).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return json.loads(text)

    def is_done(self, job):
        record = self.read_record(job)
        return (
            record is not None and "seconds" in record and job.result.exists()
        )

    def check(self, jobs):
        """Raises a `ValueError` if a job was another one when it was run."""
        for job in jobs:
            record = self.read_record(job)
            if record is None:
                continue
            for name, value in (
                ("command", job.text),
                ("backend", keras.config.backend()),
            ):
                if record[name] != value:
                    raise ValueError(
                        f"{self.record_path(job)} is of another {name}, whose "
                        "results can't be mixed with these: take another "
                        f"folder. Recorded: {record[name]}\nReceived: {value}"
                    )

    def run(self, jobs):
        """Runs jobs, and goes on where one fails.

        Args:
            jobs: List of `Job`, each after those that it needs.

        Returns:
            Dict of the names of jobs that have no result to the reason.

        Raises:
            ValueError: If a job was another one when it was run before.
        """
        self.check(jobs)
        waiting = [job for job in jobs if not self.is_done(job)]
        logging.info(
            "%d jobs, %d of which are done", len(jobs), len(jobs) - len(waiting)
        )
        failures, running = {}, {}
        start, total = time.monotonic(), len(waiting)
        with (
            concurrent.futures.ThreadPoolExecutor(
                self.num_processes
            ) as executor,
            self._stopping(),
        ):
            while waiting or running:
                pending = {*waiting, *running.values()}
                self._skip_hopeless(waiting, failures)
                for job in waiting[:]:
                    if len(running) == self.num_processes:
                        break
                    if not pending.intersection(job.needs):
                        waiting.remove(job)
                        running[executor.submit(self._run_job, job)] = job
                if not running:
                    continue
                finished, _ = concurrent.futures.wait(
                    running, return_when="FIRST_COMPLETED"
                )
                for future in finished:
                    job = running.pop(future)
                    reason = future.result()
                    if reason is not None:
                        failures[job.name] = reason
                        logging.error("%s: %s", job.name, reason)
                    logging.info(
                        "[%d/%d] %s, after %s",
                        total - len(waiting) - len(running),
                        total,
                        job.name,
                        datetime.timedelta(
                            seconds=round(time.monotonic() - start)
                        ),
                    )
        return failures

    def _skip_hopeless(self, waiting, failures):
        """Takes the jobs out whose needs have failed."""
        for job in waiting[:]:
            missing = [need.name for need in job.needs if need.name in failures]
            if missing:
                waiting.remove(job)
                failures[job.name] = f"It needs {', '.join(missing)}."

    def _run_job(self, job):
        """Runs a job. Returns `None`, or why it failed."""
        command = [sys.executable, str(_RECIPES / job.command[0])]
        command += job.command[1:]
        if any(flag.startswith("--workdir=") for flag in job.command):
            # Goes on with a training that was interrupted, or begins one.
            command.append("--resume=True")
        record = {
            "command": job.text,
            "commit": get_commit(),
            "backend": keras.config.backend(),
            "device": self._device,
            "start": datetime.datetime.now().isoformat(timespec="seconds"),
        }
        self._write_record(job, record)
        # What an earlier start left, which this one may not come to write.
        job.result.unlink(missing_ok=True)
        start = time.monotonic()
        with open(self.log_path(job), "ab") as log:
            with self._lock:
                if self._is_stopped:
                    return "Stopped"
                # In a session of its own: Ctrl-C does not reach it twice.
                process = subprocess.Popen(
                    command,
                    stdout=log,
                    stderr=log,
                    env=self._environment(),
                    start_new_session=True,
                )
                self._processes.add(process)
            status = process.wait()
            with self._lock:
                self._processes.remove(process)
        if status not in job.statuses:
            return f"Exit status {status}, see {self.log_path(job)}"
        if not job.result.exists():
            return f"{job.result} was not written, see {self.log_path(job)}"
        record["seconds"] = round(time.monotonic() - start, 1)
        self._write_record(job, record)
        return None

    def _write_record(self, job, record):
        path = self.record_path(job)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write((json.dumps(record, indent=2) + "\n").encode())

    def _environment(self):
        """Returns the environment of a process, with its share of the cores."""
        threads = str(max(1, (os.cpu_count() or 1) // self.num_processes))
        return {
            "OMP_NUM_THREADS": threads,
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_NUM_INTEROP_THREADS": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **os.environ,
        }

    @contextlib.contextmanager
    def _stopping(self):
        """Asks the processes to save and end when this one is stopped."""

        def stop(number, frame):
            raise SystemExit(128 + number)

        # SIGHUP comes from a terminal that is closed.
        numbers = (signal.SIGTERM, signal.SIGHUP)
        handlers = [signal.signal(number, stop) for number in numbers]
        try:
            yield
        except BaseException:
            with self._lock:
                self._is_stopped = True
                for process in self._processes:
                    process.terminate()
            raise
        finally:
            for number, handler in zip(numbers, handlers, strict=True):
                signal.signal(number, handler)
