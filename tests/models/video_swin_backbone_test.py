import os
import sys
import tempfile
import unittest.mock

import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.models import FrameDetector
from ssdet_keras.models import VideoSwinBackbone

SHAPE = (8, 64, 64, 3)


def make_clip():
    return np.random.default_rng(0).integers(0, 256, (1, *SHAPE), "uint8")


class VideoSwinBackboneTest(parameterized.TestCase):
    def test_train_save_and_load(self):
        backbone = VideoSwinBackbone(input_shape=SHAPE)
        self.assertEqual(
            {k: x.shape[1:] for k, x in backbone.pyramid_outputs.items()},
            {
                "stem": (4, 16, 16, 96),
                "stage1": (4, 8, 8, 192),
                "stage2": (4, 4, 4, 384),
                "stage3": (4, 2, 2, 768),
                "stage4": (4, 2, 2, 768),
            },
        )
        self.assertEqual(backbone.output_shape, (None, 4, 2, 2, 768))
        detector = FrameDetector(backbone, num_classes=3)
        detector.compile(
            "sgd", keras.losses.BinaryCrossentropy(from_logits=True)
        )
        clip = make_clip()
        history = detector.fit(clip, np.ones((1, 8, 3), "float32"), verbose=0)
        self.assertTrue(np.isfinite(history.history["loss"][0]))
        path = os.path.join(
            self.enterContext(tempfile.TemporaryDirectory()), "model.keras"
        )
        detector.save(path)
        restored = keras.saving.load_model(path)
        self.assertIsInstance(restored.backbone, VideoSwinBackbone)
        self.assertEqual(restored.get_config(), detector.get_config())
        np.testing.assert_allclose(
            restored.predict_on_batch(clip),
            detector.predict_on_batch(clip),
            atol=1e-5,
        )

    def test_equals_keras_cv(self):
        import keras_cv

        backbone = VideoSwinBackbone(input_shape=SHAPE, drop_path_rate=0.0)
        other = keras_cv.models.VideoSwinBackbone(
            input_shape=SHAPE, include_rescaling=False
        )
        other.set_weights(backbone.get_weights())
        clip = make_clip()
        x = (clip / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        np.testing.assert_allclose(
            backbone.predict_on_batch(clip),
            other.predict_on_batch(x.astype("float32")),
            atol=1e-4,
        )

    @parameterized.named_parameters(
        ("variant", {"variant": "large"}, "variant='large'"),
        ("frames", {"input_shape": (7, 32, 32, 3)}, r"\(7, 32, 32, 3\)"),
        ("not_square", {"input_shape": (8, 32, 64, 3)}, r"\(8, 32, 64, 3\)"),
        ("height", {"input_shape": (8, 50, 50, 3)}, r"\(8, 50, 50, 3\)"),
        (
            "unknown",
            {"input_shape": (None, 32, 32, 3)},
            r"all known, .* input_shape=\(None, 32, 32, 3\)",
        ),
        ("drop_path", {"drop_path_rate": 1.0}, r"drop_path_rate=1\.0"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            VideoSwinBackbone(**kwargs)

    def test_without_keras_cv(self):
        with (
            unittest.mock.patch.dict(sys.modules, {"keras_cv": None}),
            self.assertRaisesRegex(ImportError, "pip install keras-cv"),
        ):
            VideoSwinBackbone()
