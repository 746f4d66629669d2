import os
import tempfile

import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.models import FrameDetector
from ssdet_keras.models import SlowFastDetector
from ssdet_keras.models import TwoStreamDetector
from ssdet_keras.models import X3DBackbone
from ssdet_keras.models import transfer_weights


def tiny_backbone(**kwargs):
    return X3DBackbone(
        **{
            "width": 0.25,
            "depth": 0.1,
            "zero_init_residual": False,
            "name": "x3d",
            **kwargs,
        }
    )


def make_clip(num_frames=10, size=(64, 40)):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2, num_frames, *size, 3), "uint8")


def make_detector(fuses=True, **kwargs):
    keras.utils.set_random_seed(0)
    detector = SlowFastDetector(
        tiny_backbone(**kwargs), tiny_backbone(**kwargs), 5
    )
    if fuses:
        for weight in detector.weights:
            if weight.path.endswith("norm/gamma"):
                weight.assign(np.ones(weight.shape))
    return detector


def extract(detector, videos):
    """Returns the inputs of the slow stream, of features of the fast one."""
    features = detector.fast_stream.predict_on_batch(videos)
    return {
        "videos": videos,
        "feature_mask": np.ones(videos.shape[:2], "float32"),
        "feature_start": np.zeros(len(videos), "float32"),
        **{k: features[k] for k in features if k in detector.slow_stream.input},
    }


class OneStage(keras.Model):
    @property
    def pyramid_outputs(self):
        return {"stage1": self.layers[1].output}


class SlowFastDetectorTest(parameterized.TestCase):
    @parameterized.parameters(None, "mixed_bfloat16")
    def test_both_ways_give_the_same_logits(self, dtype):
        detector = make_detector(dtype=dtype)
        videos = make_clip()
        logits = detector.predict_on_batch(videos)
        self.assertEqual(logits.shape, (2, 10, 5))
        self.assertEqual(logits.dtype, np.float32)
        inputs = extract(detector, videos)
        tolerance = 1e-4 if dtype is None else 1e-2
        np.testing.assert_allclose(
            detector.slow_stream.predict_on_batch(inputs),
            logits,
            atol=tolerance,
        )
        # The clip as a part of longer features, of another start each.
        longer = dict(inputs)
        starts = [300, 297]
        for name, array in inputs.items():
            if array.ndim > 1 and name != "videos":
                longer[name] = np.zeros((2, 320, *array.shape[2:]), array.dtype)
                for i, start in enumerate(starts):
                    longer[name][i, start : start + 10] = array[i]
        longer["feature_start"] = np.array([300.4, 296.6], "float32")
        np.testing.assert_allclose(
            detector.slow_stream.predict_on_batch(longer),
            logits,
            atol=tolerance,
        )

    def test_masked_features_have_no_effect(self):
        detector = make_detector()
        inputs = extract(detector, make_clip())
        inputs["feature_mask"][:, 7:] = 0
        logits = detector.slow_stream.predict_on_batch(inputs)
        for stage in ("stage1", "stage4"):
            inputs[stage] = inputs[stage].copy()
            inputs[stage][:, 7:] = 100
        changed = detector.slow_stream.predict_on_batch(inputs)
        np.testing.assert_allclose(changed, logits, atol=1e-5)

    def test_starts_as_two_detectors(self):
        """The mean of Fast on its own, and Slow on every fourth frame."""
        detector = make_detector(fuses=False)
        fast = FrameDetector(tiny_backbone(), 5)
        transfer_weights(detector.fast, fast.backbone)
        fast.head.set_weights(detector.fast_head.get_weights())
        videos = make_clip(8)
        # Frames that are all the same: Slow sees them as Fast does.
        videos = np.repeat(videos[:, :1], 8, axis=1)
        slow = FrameDetector(tiny_backbone(), 5)
        transfer_weights(detector.slow, slow.backbone)
        slow.head.set_weights(detector.head.get_weights())
        logits = detector.predict_on_batch(videos)
        slow_logits = 2 * logits - fast.predict_on_batch(videos)
        # Away from the padding of time, which differs.
        self.assertLess(np.ptp(slow_logits, axis=1).max(), 2)
        detector.fast_head.set_weights(
            [0 * x for x in detector.fast_head.get_weights()]
        )
        halved = detector.predict_on_batch(videos)
        np.testing.assert_allclose(2 * halved, slow_logits, atol=1e-4)

    def test_fast_reaches_slow(self):
        videos = make_clip()
        for fuses in (False, True):
            detector = make_detector(fuses)
            inputs = extract(detector, videos)
            before = detector.slow_stream.predict_on_batch(inputs)
            for stage in ("stage1", "stage2", "stage3", "stage4"):
                other = {**inputs, stage: inputs[stage] + 1}
                after = detector.slow_stream.predict_on_batch(other)
                change = np.abs(after - before).max()
                self.assertEqual(change > 1e-6, fuses, stage)

    @parameterized.parameters(1, 3, 9)
    def test_any_number_of_frames(self, num_frames):
        detector = make_detector()
        logits = detector.predict_on_batch(make_clip(num_frames, (32, 32)))
        self.assertEqual(logits.shape, (2, num_frames, 5))
        self.assertTrue(np.isfinite(logits).all())

    def test_streams_of_other_width_and_depth(self):
        slow, fast = tiny_backbone(), tiny_backbone(width=0.5, depth=0.2)
        detector = SlowFastDetector(slow, fast, 3, ratio=2)
        self.assertEqual(
            detector.predict_on_batch(make_clip()).shape[1:], (10, 3)
        )
        self.assertEqual(detector.head.hidden_units, 512)
        self.assertEqual(detector.fast_head.hidden_units, 1024)

    def test_fit_save_and_load(self):
        detector = make_detector()
        detector.compile(
            "sgd", keras.losses.BinaryCrossentropy(from_logits=True)
        )
        videos = make_clip()
        history = detector.fit(videos, np.ones((2, 10, 5)), verbose=0)
        self.assertTrue(np.isfinite(history.history["loss"][0]))
        path = os.path.join(
            self.enterContext(tempfile.TemporaryDirectory()), "model.keras"
        )
        detector.save(path)
        restored = keras.saving.load_model(path)
        self.assertIsInstance(restored, TwoStreamDetector)
        self.assertEqual(restored.get_config(), detector.get_config())
        np.testing.assert_allclose(
            restored.predict_on_batch(videos),
            detector.predict_on_batch(videos),
            atol=1e-5,
        )

    def test_slow_stream_trains_without_fast(self):
        detector = make_detector()
        inputs = extract(detector, make_clip())
        stream = detector.slow_stream
        stream.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
        fast = detector.fast.get_weights()
        before = [keras.ops.convert_to_numpy(w) for w in stream.weights]
        stream.fit(inputs, np.ones((2, 10, 5)), verbose=0)
        for a, b in zip(fast, detector.fast.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        for old, weight in zip(before, stream.weights, strict=True):
            if weight.path.endswith("kernel"):
                new = keras.ops.convert_to_numpy(weight)
                self.assertGreater(np.abs(new - old).max(), 0, weight.path)

    def test_invalid_arguments(self):
        slow, fast = tiny_backbone(), tiny_backbone()
        with self.assertRaisesRegex(ValueError, "the same one twice"):
            SlowFastDetector(slow, slow, 5)
        with self.assertRaisesRegex(ValueError, "backbone='x3d'"):
            SlowFastDetector(slow, "x3d", 5)
        with self.assertRaisesRegex(ValueError, "num_classes=0"):
            SlowFastDetector(slow, fast, 0)
        with self.assertRaisesRegex(ValueError, "ratio=0"):
            SlowFastDetector(slow, fast, 5, ratio=0)
        inputs = keras.Input((None, None, None, 3))
        stage = keras.layers.ReLU()(inputs)
        with self.assertRaisesRegex(ValueError, "must name its stages"):
            SlowFastDetector(slow, keras.Model(inputs, stage), 5)
        other = OneStage(inputs, keras.layers.ReLU()(stage))
        with self.assertRaisesRegex(
            ValueError,
            "`slow` and `fast` must have the same stages. Received: stem, "
            "stage1, stage2, stage3, stage4, output and stage1, output",
        ):
            SlowFastDetector(slow, other, 5)
