import gc
import pathlib
import tempfile
import unittest
import weakref
from unittest import mock

import cv2
import keras
import numpy as np

from ssdet_keras import data
from ssdet_keras import layers
from ssdet_keras import models

FPS = 20.0


def write_video(path, num_frames, size=32):
    """Writes a video of smooth random textures that move."""
    rng = np.random.default_rng(0)
    texture = cv2.resize(
        rng.integers(0, 256, (24, 24, 3), dtype=np.uint8), (4 * size, 4 * size)
    )
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (size, size)
    )
    for frame in range(num_frames):
        left = (3 * frame) % (3 * size)
        top = (frame * frame // 8) % (3 * size)
        writer.write(texture[top : top + size, left : left + size])
    writer.release()


def make_detector(path, has_squeeze_excite):
    """Returns a small detector whose scores of a video vary over time."""
    keras.utils.set_random_seed(0)
    backbone = models.X3DBackbone(
        width=0.5, depth=0.2, zero_init_residual=False
    )
    if not has_squeeze_excite:
        for layer in backbone.layers:
            if isinstance(layer, layers.X3DBlock):
                layer.squeeze_excite = None
    detector = models.FrameDetector(backbone, num_classes=3)
    frames, _ = data.read_whole_video(
        data.VideoRecord("a", str(path)), frame_stride=1, size=32
    )
    logits = detector.predict_on_batch(frames[None])[0]
    scale = 2 / logits.std(axis=0)
    output = detector.head.output_layer
    output.kernel.assign(scale * output.kernel)
    output.bias.assign(-scale * logits.mean(axis=0))
    return detector


class DetectTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.path = pathlib.Path(folder.name) / "video.avi"
        write_video(cls.path, 120)
        cls.detector = make_detector(cls.path, has_squeeze_excite=True)
        cls.arguments = {"size": 32, "crop_scale": 1.0, "frame_stride": 1}

    def predict_whole(self, detector, **arguments):
        """Returns the probabilities of one pass over the whole video."""
        frames, indices = data.read_whole_video(
            data.VideoRecord("a", str(self.path)),
            **{**self.arguments, **arguments},
        )
        logits = detector.predict_on_batch(frames[None])[0].astype("float64")
        return 1 / (1 + np.exp(-logits)), indices

    def test_video_of_one_window_is_one_pass(self):
        expected, _ = self.predict_whole(self.detector)
        self.assertGreater(expected.std(axis=0).min(), 1e-2)
        detections = self.detector.detect(
            self.path, window=120, class_names=["a", "b", "c"], **self.arguments
        )
        self.assertEqual(detections.scores.dtype, np.float32)
        self.assertEqual(detections.fps, FPS)
        self.assertEqual(detections.class_names, ("a", "b", "c"))
        np.testing.assert_allclose(detections.scores, expected, atol=1e-4)

    def test_windows_are_exact_without_squeeze_excite(self):
        detector = make_detector(self.path, has_squeeze_excite=False)
        self.assertEqual(detector.backbone.receptive_field, 19)
        expected, _ = self.predict_whole(detector)
        for overlap in (19, 20, 30):
            scores = detector.detect(
                self.path, window=50, overlap=overlap, **self.arguments
            ).scores
            np.testing.assert_allclose(scores, expected, atol=1e-4)
        # Less is not enough.
        scores = detector.detect(
            self.path, window=50, overlap=4, **self.arguments
        ).scores
        self.assertGreater(np.abs(scores - expected).max(), 1e-3)

    def test_windows_with_squeeze_excite_have_no_seams(self):
        scores = self.detector.detect(
            self.path, window=50, **self.arguments
        ).scores
        expected, _ = self.predict_whole(self.detector)
        # Whatever the windows differ in passes over slowly.
        changes = np.abs(np.diff(scores - expected, axis=0)).max()
        hard = self.detector.detect(
            self.path, window=50, overlap=0, **self.arguments
        ).scores
        self.assertLess(
            changes, 0.5 * np.abs(np.diff(hard - expected, axis=0)).max()
        )

    def test_scores_are_at_the_rate_of_the_video(self):
        arguments = {**self.arguments, "frame_stride": 7}
        expected, indices = self.predict_whole(self.detector, frame_stride=7)
        detections = self.detector.detect(self.path, **arguments)
        self.assertEqual(detections.scores.shape, (120, 3))
        np.testing.assert_allclose(
            detections.scores[indices], expected, atol=1e-4
        )
        # Between them the logits are linear.
        logits = np.log(detections.scores / (1 - detections.scores))
        np.testing.assert_allclose(
            logits[3], logits[0] + 3 / 7 * (logits[7] - logits[0]), atol=1e-3
        )
        detections = self.detector.detect(
            self.path, frame_rate=10.0, size=32, crop_scale=1.0
        )
        expected, indices = self.predict_whole(self.detector, frame_stride=2)
        np.testing.assert_allclose(
            detections.scores[indices], expected, atol=1e-4
        )

    def test_records_and_open_videos(self):
        arguments = {**self.arguments, "frame_stride": 10}
        expected = self.detector.detect(self.path, **arguments)
        record = data.VideoRecord("a", str(self.path), fps=5.0)
        detections = self.detector.detect(record, **arguments)
        self.assertEqual(detections.fps, 5.0)
        self.assertEqual(
            detections.class_names, ("class 0", "class 1", "class 2")
        )
        np.testing.assert_array_equal(detections.scores, expected.scores)
        with data.VideoFile(self.path) as video:
            detections = self.detector.detect(video, **arguments)
        np.testing.assert_array_equal(detections.scores, expected.scores)

    def test_one_window_is_held(self):
        read = data.VideoFile.read
        pieces = []

        def listen(video, indices, **kwargs):
            gc.collect()
            held = [x for x in (piece() for piece in pieces) if x is not None]
            # The window before, while the next one is read.
            self.assertLessEqual(sum(map(len, held)), 10)
            frames = read(video, indices, **kwargs)
            pieces.append(weakref.ref(frames))
            return frames

        with mock.patch.object(data.VideoFile, "read", listen):
            self.detector.detect(
                self.path, window=10, overlap=0, **self.arguments
            )
        self.assertEqual(len(pieces), 12)

    def test_every_window_has_the_same_shape(self):
        # Else TensorFlow and JAX would compile the last one anew.
        predict = self.detector.predict_on_batch
        with mock.patch.object(
            self.detector, "predict_on_batch", side_effect=predict
        ) as called:
            self.detector.detect(
                self.path, window=32, overlap=8, **self.arguments
            )
        shapes = [call.args[0].shape for call in called.call_args_list]
        self.assertEqual(shapes, 5 * [(1, 32, 32, 32, 3)])

    def test_large_logits(self):
        detector = make_detector(self.path, has_squeeze_excite=True)
        detector.head.output_layer.bias.assign([-200.0, 0.0, 200.0])
        with np.errstate(over="raise", invalid="raise"):
            scores = detector.detect(self.path, frame_stride=30).scores
        self.assertTrue(((scores >= 0) & (scores <= 1)).all())
        np.testing.assert_allclose(scores[:, 0], 0, atol=1e-6)
        np.testing.assert_allclose(scores[:, 2], 1, atol=1e-6)

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(ValueError, "3 classes.* 2 names"):
            self.detector.detect(self.path, class_names=["a", "b"])
        with self.assertRaisesRegex(ValueError, "overlap=9, window=8"):
            self.detector.detect(self.path, window=8, overlap=9)
        with self.assertRaisesRegex(data.VideoReadError, "missing.mp4"):
            self.detector.detect("missing.mp4")
