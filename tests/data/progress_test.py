import io
import sys
from unittest import mock

from absl.testing import parameterized

from ssdet_keras.data import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


class ProgressTest(parameterized.TestCase):
    def show(self, stream, seconds, **kwargs):
        """Returns what two of three videos show, each after some time."""
        clock = mock.Mock(side_effect=[0.0, seconds, 2 * seconds, 2 * seconds])
        with (
            mock.patch.object(sys, "stderr", stream),
            mock.patch.object(progress.time, "monotonic", clock),
        ):
            bar = progress.Progress(3, "checked", **kwargs)
            bar.add()
            bar.add(is_bad=True)
            bar.close()
        return stream.getvalue()

    def test_terminal_rewrites_one_line(self):
        text = self.show(Terminal(), 61)
        self.assertEqual(text.count("\n"), 1)
        self.assertEqual(
            [part.strip() for part in text.split("\r")][-1],
            "2 of 3 videos checked, 1 bad, 0:02:02 gone, 0:01:01 left",
        )

    def test_elsewhere_a_line_per_minute(self):
        self.assertEqual(self.show(io.StringIO(), 61).count("\n"), 3)
        self.assertEqual(
            self.show(io.StringIO(), 1),
            "2 of 3 videos checked, 1 bad, 0:00:02 gone, 0:00:01 left\n",
        )

    def test_silence(self):
        self.assertEqual(self.show(Terminal(), 61, verbose=False), "")
        with mock.patch.object(sys, "stderr", Terminal()) as stream:
            progress.Progress(0, "checked").close()
        self.assertEqual(stream.getvalue(), "")
