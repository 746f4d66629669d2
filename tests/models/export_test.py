import os
import tempfile
import unittest

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from ssdet_keras import models

ANY = (None, None, None, None, 3)
CLIP = (2, 4, 32, 40, 3)
# Its sizes are odd at every stage.
ODD_CLIP = (1, 7, 47, 33, 3)


def make_model(model_class):
    """Returns a model in which every weight matters."""
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    backbone = models.X3DBackbone(
        "m", width=0.25, depth=0.1, zero_init_residual=False
    )
    model = model_class(backbone, 5)
    for weight in model.weights:
        if len(weight.shape) == 1:
            weight.assign(generator.uniform(0.5, 1.5, weight.shape))
    return model


def run(path, file_format, videos):
    """Returns the logits that the runtime of the format computes."""
    if file_format == "tf_saved_model":
        model = tf.saved_model.load(path)
        return model.serve(tf.constant(videos)).numpy()
    session = onnxruntime.InferenceSession(path)
    return session.run(None, {"videos": videos})[0]


@pytest.mark.slow
class ExportTest(unittest.TestCase):
    def check(self, model, file_format, shape, clip_shapes, dtype="float32"):
        """Exports a model, runs it on clips, and compares the logits."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = os.path.join(folder, "model.onnx")
        signature = keras.InputSpec(dtype, shape, name="videos")
        model.export(
            path,
            format=file_format,
            input_signature=[signature],
            verbose=False,
        )
        for clip_shape in clip_shapes:
            videos = np.random.default_rng(1).integers(0, 256, clip_shape)
            videos = videos.astype(dtype)
            expected = model.predict(videos, verbose=0)
            self.assertGreater(expected.std(), 0.1)
            np.testing.assert_allclose(
                run(path, file_format, videos), expected, rtol=0, atol=1e-4
            )

    @unittest.skipIf(keras.config.backend() != "tensorflow", "Of TensorFlow.")
    def test_tensorflow_exports_any_clip(self):
        classifier = make_model(models.VideoClassifier)
        detector = make_model(models.FrameDetector)
        clips = [CLIP, ODD_CLIP]
        for file_format in ("tf_saved_model", "onnx"):
            with self.subTest(format=file_format):
                self.check(classifier, file_format, ANY, clips)
                self.check(detector, file_format, ANY, clips, dtype="uint8")

    @unittest.skipIf(keras.config.backend() != "jax", "Of JAX.")
    def test_jax_exports_any_number_of_frames(self):
        detector = make_model(models.FrameDetector)
        shape = (None, None, *CLIP[2:])
        self.check(detector, "tf_saved_model", shape, [CLIP])

    @unittest.skipIf(keras.config.backend() != "torch", "Of PyTorch.")
    def test_torch_exports_one_shape(self):
        for model_class in (models.VideoClassifier, models.FrameDetector):
            with self.subTest(model=model_class):
                self.check(make_model(model_class), "onnx", CLIP, [CLIP])
