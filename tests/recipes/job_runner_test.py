"""Jobs are run in order, once, side by side, and can be stopped."""

import dataclasses
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

import keras
import pytest

from ssdet_keras.recipes.device_name import get_device_name
from ssdet_keras.recipes.job_runner import Job
from ssdet_keras.recipes.job_runner import JobRunner
from ssdet_keras.version import get_commit

WORKER = pathlib.Path(__file__).resolve().with_name("job_worker.py")
# What an interrupted process of `JobRunner` is.
RUNNER = """
import pathlib, sys
from ssdet_keras.recipes.job_runner import Job, JobRunner

worker, root = sys.argv[1], pathlib.Path(sys.argv[2])
jobs = []
for name in "abc":
    result = root / f"{name}.json"
    command = (worker, f"--result={result}", "--stops=1")
    jobs.append(Job(name, command, result))
JobRunner(root / "jobs", 2).run(jobs)
"""


class JobRunnerTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        # `pathlib` takes the absolute path of the worker for a recipe.
        self.runner = JobRunner(self.root / "jobs")

    def path(self, name):
        return self.root / f"{name}.json"

    def make_job(self, name, needs=(), **options):
        options = {"result": self.path(name), **options}
        flags = [f"--{flag}={value}" for flag, value in options.items()]
        return Job(name, (str(WORKER), *flags), self.path(name), tuple(needs))

    def run_jobs(self, *jobs, num_processes=1):
        return JobRunner(self.root / "jobs", num_processes).run(list(jobs))

    def events(self):
        path = self.root / "events.txt"
        return path.read_text().splitlines() if path.exists() else []

    def arguments(self, name):
        return json.loads(self.path(name).read_text())

    def test_text_is_for_a_shell(self):
        job = Job("a", ("x.py", "--b=1", '--c={"d": 2}', "e f"), self.path("a"))
        self.assertEqual(
            job.text, """python recipes/x.py --b=1 '--c={"d": 2}' 'e f'"""
        )

    def test_what_is_needed_is_run_before(self):
        a = self.make_job("a", seconds=0.3)
        b = self.make_job("b", [a], reads=self.path("a"), seconds=0.3)
        c = self.make_job("c", [a, b], reads=self.path("b"))
        d = self.make_job("d", [c], reads=self.path("c"))
        failures = self.run_jobs(a, b, c, d, num_processes=4)
        self.assertEqual(failures, {})
        self.assertEqual(
            self.events(),
            [f"{what} {name}" for name in "abcd" for what in ("start", "end")],
        )

    def test_free_job_overtakes_one_that_waits(self):
        c_started = self.path("c").with_suffix(".started")
        a = self.make_job("a", waits=c_started)
        b = self.make_job("b", [a], reads=self.path("a"))
        c = self.make_job("c")
        self.assertEqual(self.run_jobs(a, b, c, num_processes=2), {})
        self.assertEqual(self.events()[-2:], ["start b", "end b"])

    def test_two_run_side_by_side(self):
        paths = [self.path(name).with_suffix(".started") for name in "ab"]
        a = self.make_job("a", waits=paths[1])
        b = self.make_job("b", waits=paths[0])
        self.assertEqual(self.run_jobs(a, b, num_processes=2), {})

    def test_no_more_than_num_processes(self):
        for num_processes, names in ((1, "abc"), (2, "defgh")):
            jobs = [self.make_job(name, seconds=0.1) for name in names]
            before = len(self.events())
            self.assertEqual(
                self.run_jobs(*jobs, num_processes=num_processes), {}
            )
            running, most = 0, 0
            for event in self.events()[before:]:
                running += 1 if event.startswith("start") else -1
                most = max(most, running)
            # That they come to be so many is another test's.
            self.assertLessEqual(most, num_processes)

    def test_record_and_log(self):
        job = self.make_job("folder/a", seconds=0.2)
        self.path("folder/a").parent.mkdir()
        for _ in range(2):
            begin = datetime.datetime.now().replace(microsecond=0)
            self.assertEqual(self.run_jobs(job), {})
            record = self.runner.read_record(job)
            start = datetime.datetime.fromisoformat(record.pop("start"))
            self.assertLessEqual(begin, start)
            self.assertLessEqual(start, datetime.datetime.now())
            seconds = record.pop("seconds")
            self.assertGreaterEqual(seconds, 0.2)
            self.assertLess(seconds, 60)
            self.assertEqual(
                record,
                {
                    "command": job.text,
                    "commit": get_commit(),
                    "backend": keras.config.backend(),
                    "device": get_device_name(),
                },
            )
            job.result.unlink()
        path = self.root / "jobs" / "folder" / "a.json"
        self.assertEqual(self.runner.record_path(job), path)
        log = self.runner.log_path(job)
        self.assertEqual(log, path.with_suffix(".log"))
        # Of both runs.
        self.assertEqual(log.read_text().count("Output of a"), 2)
        self.assertEqual(log.read_text().count("Error of a"), 2)

    def test_processes_share_the_cores(self):
        with (
            mock.patch.dict(os.environ),
            mock.patch("os.cpu_count", return_value=12),
        ):
            os.environ.pop("OMP_NUM_THREADS", None)
            a, b = self.make_job("a"), self.make_job("b")
            self.run_jobs(a, num_processes=3)
            os.environ["OMP_NUM_THREADS"] = "7"
            self.run_jobs(b, num_processes=3)
        for job, threads in ((a, 4), (b, 7)):
            log = self.runner.log_path(job).read_text()
            self.assertIn(f"Output of {job.name} {threads}\n", log)

    def test_second_run_runs_nothing(self):
        a = self.make_job("a")
        b = self.make_job("b", [a])
        self.run_jobs(a, b)
        events, record = self.events(), self.runner.read_record(a)
        self.assertEqual(self.run_jobs(a, b), {})
        self.assertEqual(self.events(), events)
        self.assertEqual(self.runner.read_record(a), record)
        self.path("a").unlink()
        self.assertEqual(self.run_jobs(a, b), {})
        self.assertEqual(self.events(), [*events, "start a", "end a"])
        self.runner.record_path(b).unlink()
        self.assertEqual(self.run_jobs(a, b), {})
        self.assertEqual(self.events()[-2:], ["start b", "end b"])

    def test_failure(self):
        key = self.root / "key"
        a = self.make_job("a", reads=key)
        b = self.make_job("b", [a])
        c = self.make_job("c", [b])
        d = self.make_job("d", [a, c])
        e = self.make_job("e")
        f = self.make_job("f", [e])
        jobs = [a, b, c, d, e, f]
        failures = self.run_jobs(*jobs)
        self.assertEqual(
            failures,
            {
                "a": f"Exit status 3, see {self.runner.log_path(a)}",
                "b": "It needs a.",
                "c": "It needs b.",
                "d": "It needs a, c.",
            },
        )
        self.assertEqual(
            self.events(),
            ["start a", "start e", "end e", "start f", "end f"],
        )
        self.assertNotIn("seconds", self.runner.read_record(a))
        self.assertIsNone(self.runner.read_record(b))
        key.touch()
        self.assertEqual(self.run_jobs(*jobs), {})
        self.assertEqual(
            [event for event in self.events()[5:] if "start" in event],
            [f"start {name}" for name in "abcd"],
        )

    def test_status_0_without_a_result_is_a_failure(self):
        job = self.make_job("a", no_result=1)
        other = self.make_job("b", [job])
        log = self.runner.log_path(job)
        self.assertEqual(
            self.run_jobs(job, other),
            {
                "a": f"{job.result} was not written, see {log}",
                "b": "It needs a.",
            },
        )
        self.assertNotIn("seconds", self.runner.read_record(job))

    def test_statuses_that_are_no_failure(self):
        job = self.make_job("a", reads=self.root / "never", late=1)
        log = self.runner.log_path(job)
        self.assertEqual(self.run_jobs(job), {"a": f"Exit status 3, see {log}"})
        job = dataclasses.replace(job, statuses=(0, 3))
        other = self.make_job("b", [job])
        self.assertEqual(self.run_jobs(job, other), {})
        self.assertIn("seconds", self.runner.read_record(job))

    def test_result_of_an_earlier_start_is_no_result(self):
        job = self.make_job("a", no_result=1)
        job.result.touch()
        self.assertEqual(list(self.run_jobs(job)), ["a"])

    def test_another_command(self):
        before = self.make_job("a")
        self.run_jobs(before)
        events = self.events()
        after = self.make_job("a", seconds=0)
        with self.assertRaises(ValueError) as context:
            self.run_jobs(self.make_job("b"), after)
        message = str(context.exception)
        path = self.runner.record_path(after)
        self.assertIn(f"{path} is of another command", message)
        self.assertIn("take another folder", message)
        self.assertIn(f"Recorded: {before.text}\n", message)
        self.assertTrue(message.endswith(f"Received: {after.text}"))
        self.assertEqual(self.events(), events)

    def test_another_backend(self):
        job = self.make_job("a")
        self.run_jobs(job)
        events = self.events()
        backend = keras.config.backend()
        with (
            mock.patch("keras.config.backend", return_value="numpy"),
            self.assertRaisesRegex(
                ValueError,
                r"a\.json is of another backend.* Recorded: "
                rf"{backend}\nReceived: numpy",
            ),
        ):
            self.run_jobs(job)
        self.assertEqual(self.events(), events)

    def test_trainings_resume(self):
        key = self.root / "key"

        def make(name, **options):
            return self.make_job(name, workdir=self.root / name, **options)

        jobs = [
            # Interrupted.
            make("a", reads=key),
            # Interrupted, and without a folder.
            self.make_job("b", reads=key),
            # Done, but lost.
            make("c"),
        ]
        self.assertEqual(list(self.run_jobs(*jobs)), ["a", "b"])
        key.touch()
        self.path("c").unlink()
        # Never begun.
        jobs.append(make("d"))
        self.assertEqual(self.run_jobs(*jobs), {})
        for job in jobs:
            own = list(job.command[1:])
            resume = ["--resume=True"] if job.name in "acd" else []
            self.assertEqual(self.arguments(job.name), own + resume)
            # Which is no other command.
            self.assertEqual(self.runner.read_record(job)["command"], job.text)


@pytest.mark.slow
class StoppedJobRunnerTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )

    def stop(self, send):
        """Stops a process with two jobs, and one that waits, by a signal."""
        process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, WORKER, self.root],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Background jobs of a shell, and so their tests, ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(
                signal.SIGINT, signal.default_int_handler
            ),
        )
        started = [self.root / f"{name}.started" for name in "ab"]
        end = time.monotonic() + 120
        while not all(path.exists() and path.read_text() for path in started):
            self.assertLess(time.monotonic(), end)
            self.assertIsNone(process.poll())
            time.sleep(0.05)
        workers = [int(path.read_text()) for path in started]
        try:
            send(process.pid)
            _, output = process.communicate(timeout=60)
            are_running = [os.path.exists(f"/proc/{pid}") for pid in workers]
        finally:
            process.kill()
            for pid in workers:
                if os.path.exists(f"/proc/{pid}"):
                    os.kill(pid, signal.SIGKILL)
        self.assertNotEqual(process.returncode, 0)
        self.assertEqual(are_running, [False, False], output[-2000:])
        names = sorted(path.name for path in self.root.glob("?.*"))
        self.assertEqual(
            names,
            [f"{n}.{x}" for n in "ab" for x in ("saved", "signals", "started")],
        )
        records = sorted((self.root / "jobs").glob("*.json"))
        self.assertEqual([path.name for path in records], ["a.json", "b.json"])
        for path in records:
            self.assertNotIn("seconds", json.loads(path.read_text()))
        return [(self.root / f"{n}.signals").read_text() for n in "ab"]

    def test_sigint(self):
        received = self.stop(lambda pid: os.kill(pid, signal.SIGINT))
        self.assertEqual(received, ["SIGTERM", "SIGTERM"])

    def test_ctrl_c(self):
        """A terminal signals the whole group. A second signal ends at once."""
        received = self.stop(lambda pid: os.killpg(pid, signal.SIGINT))
        self.assertEqual([len(text.split()) for text in received], [1, 1])

    def test_sigterm(self):
        """Nobody waits for jobs that go on after the runner has ended."""
        received = self.stop(lambda pid: os.kill(pid, signal.SIGTERM))
        self.assertEqual(received, ["SIGTERM", "SIGTERM"])


if __name__ == "__main__":
    unittest.main()
