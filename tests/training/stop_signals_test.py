import signal
import threading
import unittest

from ssdet_keras import training


class StopSignalsTest(unittest.TestCase):
    def test_the_first_is_noted_and_the_second_ends(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            previous = signal.signal(number, signal.default_int_handler)
            self.addCleanup(signal.signal, number, previous)
            with training.StopSignals() as signals:
                self.assertIsNone(signals.received)
                signal.raise_signal(number)
                self.assertEqual(signals.received, number)
                with self.assertRaises(KeyboardInterrupt):
                    signal.raise_signal(number)

    def test_handlers_are_restored(self):
        previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGTERM, previous)
        with training.StopSignals():
            handler = signal.getsignal(signal.SIGTERM)
            self.assertIsNot(handler, signal.default_int_handler)
        self.assertIs(
            signal.getsignal(signal.SIGTERM), signal.default_int_handler
        )

    def test_ignored_signals_stay_ignored(self):
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGINT, previous)
        with training.StopSignals() as signals:
            signal.raise_signal(signal.SIGINT)
        self.assertIsNone(signals.received)

    def test_other_threads_have_no_handlers(self):
        received = []

        def run():
            with training.StopSignals() as signals:
                received.append(signals.received)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        self.assertEqual(received, [None])
