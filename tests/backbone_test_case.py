"""What every backbone must be able to do."""

import os
import tempfile

import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.models import FrameDetector


class BackboneTestCase(parameterized.TestCase):
    """Base class of tests of backbones."""

    def run_training_test(self, backbone, clip):
        """Trains a detector for a step: all weights change. Saves, loads it.

        Args:
            backbone: `keras.Model`, new.
            clip: Array of shape `(batch, frames, height, width, 3)`.
        """
        detector = FrameDetector(backbone, num_classes=2)
        detector.compile(
            "sgd", keras.losses.BinaryCrossentropy(from_logits=True)
        )
        before = [w.copy() for w in detector.get_weights()]
        labels = np.random.default_rng(1).integers(0, 2, (*clip.shape[:2], 2))
        history = detector.fit(clip, labels.astype("float32"), verbose=0)
        self.assertTrue(np.isfinite(history.history["loss"][0]))
        for weight, old in zip(detector.weights, before, strict=True):
            new = keras.ops.convert_to_numpy(weight)
            self.assertTrue(np.isfinite(new).all(), weight.path)
            self.assertFalse(np.array_equal(new, old), weight.path)

        path = os.path.join(
            self.enterContext(tempfile.TemporaryDirectory()), "model.keras"
        )
        detector.save(path)
        restored = keras.saving.load_model(path)
        self.assertIsInstance(restored.backbone, type(backbone))
        self.assertEqual(restored.get_config(), detector.get_config())
        np.testing.assert_allclose(
            restored.predict_on_batch(clip),
            detector.predict_on_batch(clip),
            atol=1e-5,
        )
