import os
import tempfile

import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.models import FrameDetector
from ssdet_keras.models import LinearHead
from ssdet_keras.models import MSTCTHead
from ssdet_keras.models import PDANHead
from ssdet_keras.models import SuperEventHead
from ssdet_keras.models import TGMHead
from ssdet_keras.models import VideoClassifier
from ssdet_keras.models import X3DBackbone
from ssdet_keras.models import transfer_weights


def tiny_backbone(**kwargs):
    return X3DBackbone("m", width=0.25, depth=0.1, **kwargs)


def make_clip(shape=(2, 3, 32, 40, 3)):
    return np.random.default_rng(0).integers(0, 256, shape, "uint8")


def strided_backbone(stride):
    """A backbone that sees every `stride`th frame as its mean colour."""
    videos = keras.Input((None, None, None, 3))
    x = keras.layers.AveragePooling3D((1, 4, 4))(videos[:, ::stride])
    return keras.Model(videos, x)


@keras.saving.register_keras_serializable(package="ssdet_keras_test")
class SumHead(keras.layers.Layer):
    """Gives the sum of the features so far as the score of one class."""

    def call(self, inputs):
        total = keras.ops.sum(inputs, axis=-1, keepdims=True)
        return keras.ops.cumsum(total, axis=1)


class VideoModelsTest(parameterized.TestCase):
    def test_parameters_of_the_published_classifier(self):
        classifier = VideoClassifier(X3DBackbone("m"), num_classes=400)
        count = sum(int(np.prod(w.shape)) for w in classifier.trainable_weights)
        self.assertEqual(count, 3_794_274)

    @parameterized.parameters(
        (VideoClassifier, (2, 5)), (FrameDetector, (2, 3, 5))
    )
    def test_fit_predict_save_and_load(self, model_class, shape):
        model = model_class(tiny_backbone(), num_classes=5, dropout=0.25)
        model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
        clip = make_clip()
        history = model.fit(clip, np.ones(shape), verbose=0)
        self.assertTrue(np.isfinite(history.history["loss"][0]))
        logits = model.predict(clip, verbose=0)
        self.assertEqual(logits.shape, shape)
        # Another number of frames, and another size.
        other = model.predict(make_clip((2, 5, 48, 33, 3)), verbose=0)
        self.assertEqual(other.shape[1:-1], (5,) if len(shape) == 3 else ())

        path = os.path.join(
            self.enterContext(tempfile.TemporaryDirectory()), "model.keras"
        )
        model.save(path)
        restored = keras.saving.load_model(path)
        self.assertIsInstance(restored, model_class)
        self.assertEqual(restored.get_config(), model.get_config())
        self.assertEqual(restored.head.dropout, 0.25)
        np.testing.assert_allclose(
            restored.predict(clip, verbose=0), logits, atol=1e-5
        )

    def test_classifier_and_detector_share_their_head(self):
        """On a still clip every frame has the score of the whole clip."""
        classifier = VideoClassifier(strided_backbone(1), num_classes=4)
        detector = FrameDetector(strided_backbone(1), num_classes=4)
        transfer_weights(classifier, detector)
        clip = np.repeat(make_clip((1, 1, 8, 8, 3)), 5, axis=1)
        np.testing.assert_allclose(
            detector.predict(clip, verbose=0),
            np.repeat(classifier.predict(clip, verbose=0)[:, None], 5, axis=1),
            rtol=1e-4,
        )

    def test_upsamples_a_backbone_that_strides_time(self):
        detector = FrameDetector(strided_backbone(2), 1, head=SumHead())
        clip = np.ones((1, 4, 4, 4, 3), "uint8")
        logits = detector.predict(clip, verbose=0)
        # 3 and 6 at the two steps.
        np.testing.assert_allclose(logits.ravel(), [3, 3.75, 5.25, 6])

    def test_head_layer_survives_a_round_trip(self):
        detector = FrameDetector(tiny_backbone(), 1, head=SumHead(name="s"))
        restored = FrameDetector.from_config(detector.get_config())
        self.assertIsInstance(restored.head, SumHead)
        self.assertEqual(restored.get_config(), detector.get_config())

    @parameterized.parameters(VideoClassifier, FrameDetector)
    def test_logits_are_float32_in_mixed_precision(self, model_class):
        model = model_class(tiny_backbone(dtype="mixed_bfloat16"), 5)
        logits = model(make_clip())
        self.assertEqual(
            keras.backend.standardize_dtype(logits.dtype), "float32"
        )
        self.assertEqual(model.head.hidden.compute_dtype, "bfloat16")

    @parameterized.parameters(
        ("linear", LinearHead, 0.5),
        ("super_event", SuperEventHead, 0.7),
        ("tgm", TGMHead, 0.5),
        ("tgm_super_event", TGMHead, 0.5),
        ("pdan", PDANHead, 0.5),
        ("mstct", MSTCTHead, 0.5),
    )
    def test_heads_by_name(self, name, head_class, dropout):
        detector = FrameDetector(strided_backbone(2), 3, head=name)
        self.assertIsInstance(detector.head, head_class)
        self.assertEqual(detector.head.dropout, dropout)
        self.assertEqual(
            getattr(detector.head, "super_events", None),
            {"tgm": False, "tgm_super_event": True}.get(name),
        )
        self.assertEqual(detector(make_clip()).shape, (2, 3, 3))
        config = FrameDetector(
            strided_backbone(2), 3, head=name, dropout=0.25
        ).get_config()
        self.assertEqual(config["head"], name)
        restored = FrameDetector.from_config(config)
        self.assertEqual(restored.head.dropout, 0.25)

    @parameterized.parameters(VideoClassifier, FrameDetector)
    def test_invalid_arguments(self, model_class):
        backbone = strided_backbone(1)
        with self.assertRaisesRegex(ValueError, "num_classes=0"):
            model_class(backbone, 0)
        with self.assertRaisesRegex(ValueError, r"dropout=1\.0"):
            model_class(backbone, 5, dropout=1.0)
        with self.assertRaisesRegex(ValueError, "backbone='x3d'"):
            model_class("x3d", 5)
        images = keras.Input((8, 8, 3))
        with self.assertRaisesRegex(ValueError, r"input_shape=\(None, 8"):
            model_class(keras.Model(images, images * 2), 5)

    def test_invalid_heads(self):
        backbone = strided_backbone(1)
        with self.assertRaisesRegex(ValueError, "'mstct'.*head='lstm'"):
            FrameDetector(backbone, 5, head="lstm")
        with self.assertRaisesRegex(ValueError, "head=None"):
            FrameDetector(backbone, 5, head=None)
        with self.assertRaisesRegex(ValueError, "num_classes=5"):
            FrameDetector(backbone, 5, head=LinearHead(4))


class LinearHeadTest(parameterized.TestCase):
    def test_values(self):
        head = LinearHead(1, hidden_units=2)
        head.build((None, None, 2))
        head.hidden.set_weights([np.array([[1.0, -1.0], [0.0, 0.0]])])
        head.output_layer.set_weights([np.array([[2.0], [3.0]]), np.ones(1)])
        features = np.array([[[1, 7], [-2, 7]]], "float32")
        logits = head(features, mask=np.array([[True, False]]))
        # 1 + 2 * relu(1), 1 + 3 * relu(2).
        self.assertEqual(
            keras.ops.convert_to_numpy(logits).tolist(), [[[3], [7]]]
        )

    def test_dropout_acts_in_training_only(self):
        head = LinearHead(3, dropout=0.9)
        x = np.ones((1, 50, 64), "float32")
        steps = keras.ops.convert_to_numpy(head(x, training=True))[0]
        self.assertGreater(np.abs(steps - steps[0]).max(), 0)
        steps = keras.ops.convert_to_numpy(head(x))[0]
        np.testing.assert_allclose(steps, steps[:1].repeat(50, 0), atol=1e-6)

    def test_round_trip(self):
        head = LinearHead(3, hidden_units=7, dropout=0.1, name="head")
        restored = LinearHead.from_config(head.get_config())
        self.assertEqual(restored.get_config(), head.get_config())
        self.assertLen(LinearHead(3, None).weights, 0)

    def test_invalid_hidden_units(self):
        with self.assertRaisesRegex(ValueError, "hidden_units=0"):
            LinearHead(3, hidden_units=0)


class TransferWeightsTest(parameterized.TestCase):
    def test_same_classes(self):
        source = VideoClassifier(tiny_backbone(), 5)
        target = FrameDetector(tiny_backbone(name="other"), 5)
        copied, not_copied = transfer_weights(source, target)
        self.assertEqual(not_copied, [])
        self.assertLen(copied, len(target.weights))
        for a, b in zip(
            source.get_weights(), target.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(a, b)

    def test_other_classes(self):
        source = FrameDetector(tiny_backbone(), 5)
        target = VideoClassifier(tiny_backbone(), 6)
        before = target.head.output_layer.get_weights()
        _, not_copied = transfer_weights(source, target)
        self.assertEqual(not_copied, ["head/output/kernel", "head/output/bias"])
        np.testing.assert_array_equal(
            target.head.hidden.get_weights(), source.head.hidden.get_weights()
        )
        np.testing.assert_array_equal(
            target.head.output_layer.get_weights()[0], before[0]
        )

    def test_backbone_alone(self):
        source, target = tiny_backbone(), FrameDetector(tiny_backbone(), 5)
        copied, not_copied = transfer_weights(source, target)
        self.assertLen(copied, len(source.weights))
        self.assertLen(not_copied, 3)

    def test_other_backbone(self):
        source = tiny_backbone()
        target = FrameDetector(X3DBackbone("m", width=0.5, depth=0.1), 5)
        before = target.get_weights()
        with self.assertRaisesRegex(ValueError, "weights that differ, first:"):
            transfer_weights(source, target)
        for a, b in zip(before, target.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
