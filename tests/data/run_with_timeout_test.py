import threading
import unittest

from ssdet_keras.data.run_with_timeout import run_with_timeout


class RunWithTimeoutTest(unittest.TestCase):
    def test_value(self):
        self.assertEqual(run_with_timeout(lambda: 3, 60), 3)

    def test_error(self):
        with self.assertRaisesRegex(KeyError, "missing"):
            run_with_timeout(lambda: {}["missing"], 60)

    def test_a_call_that_hangs(self):
        event, done = threading.Event(), threading.Event()

        def hang():
            event.wait()
            done.set()

        with self.assertRaises(TimeoutError):
            run_with_timeout(hang, 0.01)
        # It goes on.
        event.set()
        self.assertTrue(done.wait(60))


if __name__ == "__main__":
    unittest.main()
