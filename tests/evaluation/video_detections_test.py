import dataclasses
import unittest

import numpy as np

from ssdet_keras.evaluation import VideoDetections


class VideoDetectionsTest(unittest.TestCase):
    def test_segments(self):
        scores = np.array([[0.1, 0.3], [0.9, 0.3], [0.4, 0.3]], "float32")
        detections = VideoDetections(scores, 2.0, ["walk", "run"])
        self.assertEqual(detections.class_names, ("walk", "run"))
        self.assertEqual(detections.duration, 1.5)
        ((index, start, end, score),) = detections.segments(low_threshold=0.4)
        self.assertEqual((index, start, end), (0, 0.5, 1.5))
        self.assertAlmostEqual(score, 0.65)

    def test_it_does_not_change(self):
        detections = VideoDetections(np.zeros((2, 1)), 2.0, ["walk"])
        with self.assertRaises(dataclasses.FrozenInstanceError):
            detections.fps = 3.0

    def test_invalid_arguments(self):
        for scores, fps, message in (
            (np.zeros((2, 3)), 2.0, r"\(frames, 1\).*scores.shape=\(2, 3\)"),
            (np.zeros(1), 2.0, r"scores.shape=\(1,\)"),
            (np.zeros((2, 1)), 0, "fps=0"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                VideoDetections(scores, fps, ["walk"])
