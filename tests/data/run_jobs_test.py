import multiprocessing
import sys
import types
from unittest import mock

from absl.testing import parameterized
from data.bad_jobs import square_or_fail

from ssdet_keras.data import run_jobs


class RunJobsTest(parameterized.TestCase):
    def test_bad_items_and_crashes_stop_nothing_else(self):
        self.assertEqual(
            sorted(run_jobs(square_or_fail, list(range(7)), num_processes=1)),
            [
                (0, 0, None),
                (1, None, "the process that worked on it crashed (SIGSEGV)"),
                (2, 4, None),
                (3, None, "it is a text"),
                (4, 16, None),
                (5, None, "TypeError: five"),
                (6, 36, None),
            ],
        )
        self.assertEqual(multiprocessing.active_children(), [])

    def test_processes_end_with_the_iteration(self):
        jobs = run_jobs(square_or_fail, [2, 4, 6, 8], num_processes=1)
        self.assertEqual(next(jobs), (2, 4, None))
        self.assertLen(multiprocessing.active_children(), 1)
        jobs.close()
        self.assertEqual(multiprocessing.active_children(), [])

    def test_calling_process(self):
        self.assertEqual(
            list(run_jobs(square_or_fail, [4, 5], num_processes=0)),
            [(4, 16, None), (5, None, "TypeError: five")],
        )

    @parameterized.parameters(0, 3, None)
    def test_no_items(self, num_processes):
        self.assertEqual(list(run_jobs(square_or_fail, [], num_processes)), [])

    def test_process_that_can_not_start(self):
        # The other process does not find the module of the function.
        module = types.ModuleType("nowhere")

        def work(item):
            return item

        work.__module__, work.__qualname__ = "nowhere", "work"
        module.work = work
        with (
            mock.patch.dict(sys.modules, {"nowhere": module}),
            self.assertRaisesRegex(RuntimeError, "Received: status 1"),
        ):
            list(run_jobs(work, [1], num_processes=1))

    def test_negative_number_of_processes(self):
        with self.assertRaisesRegex(ValueError, "num_processes=-1"):
            run_jobs(square_or_fail, [1], num_processes=-1)
