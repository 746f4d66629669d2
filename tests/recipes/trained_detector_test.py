"""What recipes set before they load a model."""

import subprocess
import sys
import unittest

# In a process of its own, because training recipes have the same flags.
PROGRAM = """
from unittest import mock

from absl import flags

from ssdet_keras import training
from ssdet_keras.recipes import extract_features
from ssdet_keras.recipes import trained_detector

flags.FLAGS.mark_as_parsed()
for module, name in (
    (trained_detector, "TrainedDetector"),
    (extract_features, "Extractor"),
):
    calls = mock.Mock()
    calls.load.side_effect = InterruptedError
    with (
        mock.patch.object(training, "keep_freed_memory", calls.keep),
        mock.patch.object(module, "load_keras_file", calls.load),
    ):
        try:
            getattr(module, name)()
        except InterruptedError:
            print(name, [call[0] for call in calls.mock_calls])
"""


class TrainedDetectorTest(unittest.TestCase):
    def test_keeps_freed_memory(self):
        """Threads that have asked for memory before would keep their own."""
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual(
            result.stdout.splitlines(),
            [
                "TrainedDetector ['keep', 'load']",
                "Extractor ['keep', 'load']",
            ],
        )


if __name__ == "__main__":
    unittest.main()
