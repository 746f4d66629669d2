import os
import tempfile

import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras import models
from ssdet_keras import training


def make_detector():
    keras.utils.set_random_seed(0)
    slow, fast = (
        models.X3DBackbone(width=0.25, depth=0.1, zero_init_residual=False)
        for _ in range(2)
    )
    return models.SlowFastDetector(slow, fast, 3)


def make_inputs(model):
    """Returns a clip of five frames in features of nine steps."""
    rng = np.random.default_rng(0)
    inputs = {}
    for name, tensor in model.detector.slow_stream.input.items():
        shape = (2, 9, *tensor.shape[2:])
        if name == "videos":
            shape = (2, 5, 32, 32, 3)
        inputs[name] = rng.uniform(0, 1, shape).astype("float32")
    inputs["feature_start"] = np.array([0, 3], "float32")
    return inputs


class SlowStreamTrainingTest(parameterized.TestCase):
    def test_trains_all_but_the_fast_backbone_and_saves_the_detector(self):
        model = training.SlowStreamTraining(make_detector())
        detector = model.detector
        inputs, labels = make_inputs(model), np.ones((2, 5, 3), "float32")
        self.assertEqual(sorted(model.input_names), sorted(inputs))
        detector.compile(training.SGD(0.1), training.DetectionLoss())
        model.compile(detector.optimizer, detector.loss, auto_scale_loss=False)
        fast = detector.fast.get_weights()
        others = [detector.slow, detector.head, detector.fast_head]
        before = [x.get_weights() for x in others]
        model.fit(inputs, labels, verbose=0)
        for a, b in zip(fast, detector.fast.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        for part, old in zip(others, before, strict=True):
            for a, b in zip(old, part.get_weights(), strict=True):
                self.assertGreater(np.abs(a - b).max(), 0)

        path = os.path.join(
            self.enterContext(tempfile.TemporaryDirectory()), "model.keras"
        )
        model.save(path)
        restored = keras.saving.load_model(path)
        self.assertIs(type(restored), models.SlowFastDetector)
        # With the state of the optimizer, to go on.
        self.assertEqual(int(restored.optimizer.iterations), 1)
        self.assertLen(
            restored.optimizer.variables, len(detector.optimizer.variables)
        )
        self.assertFalse(restored.fast.trainable_weights)
        again = training.SlowStreamTraining(restored)
        np.testing.assert_allclose(
            again.predict_on_batch(inputs),
            model.predict_on_batch(inputs),
            atol=1e-5,
        )

    def test_is_the_slow_stream(self):
        model = training.SlowStreamTraining(make_detector())
        inputs = make_inputs(model)
        np.testing.assert_allclose(
            model.predict_on_batch(inputs),
            model.detector.slow_stream.predict_on_batch(inputs),
            atol=1e-6,
        )

    def test_round_trip(self):
        model = training.SlowStreamTraining(make_detector(), name="training")
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(model)
        )
        self.assertEqual(restored.get_config(), model.get_config())

    def test_other_detectors(self):
        backbone = models.X3DBackbone(width=0.25, depth=0.1)
        with self.assertRaisesRegex(
            ValueError, "`detector` must be a `TwoStreamDetector`"
        ):
            training.SlowStreamTraining(models.FrameDetector(backbone, 3))
