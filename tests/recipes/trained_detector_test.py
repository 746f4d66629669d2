"""What recipes set before they load a model."""

from unittest import mock

from absl import flags
from absl.testing import flagsaver
from absl.testing import parameterized

from ssdet_keras import training
from ssdet_keras.recipes import extract_features
from ssdet_keras.recipes import trained_detector


class Loaded(Exception):
    """The model would be loaded now."""


class TrainedDetectorTest(parameterized.TestCase):
    @parameterized.parameters(
        (trained_detector, "TrainedDetector"), (extract_features, "Extractor")
    )
    def test_keeps_freed_memory(self, module, name):
        flags.FLAGS.mark_as_parsed()
        keep = self.enterContext(
            mock.patch.object(training, "keep_freed_memory")
        )

        def load(*args):
            # Threads that have asked for memory before keep heaps of their own.
            keep.assert_called_once_with()
            raise Loaded

        self.enterContext(mock.patch.object(module, "load_keras_file", load))
        with flagsaver.flagsaver(model="detector.keras"):
            self.assertRaises(Loaded, getattr(module, name))
