import unittest

import numpy as np

from ssdet_keras import models


class EchoModel:
    """Gives the mean of each frame, and remembers what it was shown."""

    def __init__(self):
        self.shown = []

    def predict_on_batch(self, videos):
        self.shown.append(videos[0, :, 0, 0, 0].astype(int).tolist())
        means = videos.mean(axis=(2, 3, 4))
        # The window's first frame leaks into the second class.
        return np.stack([means, means[:, :1] + 0 * means], axis=-1)


def make_frames(count):
    frames = np.arange(count, dtype="float32")[:, None, None, None]
    return np.tile(frames, (1, 2, 2, 3))


class PredictFramesTest(unittest.TestCase):
    def test_short_video_is_seen_whole(self):
        model = EchoModel()
        logits = models.predict_frames(
            model, make_frames(5), window=5, overlap=1
        )
        self.assertEqual(model.shown, [[0, 1, 2, 3, 4]])
        np.testing.assert_allclose(logits[:, 0], np.arange(5))

    def test_windows_cover_and_blend(self):
        model = EchoModel()
        logits = models.predict_frames(
            model, make_frames(10), window=6, overlap=2
        )
        self.assertEqual(model.shown, [[0, 1, 2, 3, 4, 5], [4, 5, 6, 7, 8, 9]])
        np.testing.assert_allclose(logits[:, 0], np.arange(10), rtol=1e-6)
        # From window 0, whose mark is 0, to window 4: by thirds.
        expected = [0, 0, 0, 0, 4 / 3, 8 / 3, 4, 4, 4, 4]
        np.testing.assert_allclose(logits[:, 1], expected, rtol=1e-6)

    def test_last_window_ends_with_the_video(self):
        for count in range(7, 40):
            model = EchoModel()
            logits = models.predict_frames(
                model, make_frames(count), window=6, overlap=2
            )
            self.assertEqual({len(shown) for shown in model.shown}, {6})
            np.testing.assert_allclose(
                logits[:, 0], np.arange(count), rtol=1e-5, atol=1e-5
            )

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(ValueError, "overlap=4, window=4"):
            models.predict_frames(EchoModel(), make_frames(9), 4, 4)
        with self.assertRaisesRegex(ValueError, "0 frames"):
            models.predict_frames(EchoModel(), make_frames(0))


class UpsampleToFramesTest(unittest.TestCase):
    def test_linear_between_and_constant_after(self):
        logits = np.array([[0.0, 1.0], [4.0, 1.0], [0.0, 3.0]])
        output = models.upsample_to_frames(logits, np.array([0, 4, 8]), 11)
        self.assertEqual(output.dtype, np.float32)
        np.testing.assert_allclose(
            output[:, 0], [0, 1, 2, 3, 4, 3, 2, 1, 0, 0, 0]
        )
        np.testing.assert_allclose(
            output[:, 1], [1, 1, 1, 1, 1, 1.5, 2, 2.5, 3, 3, 3]
        )

    def test_every_frame_is_kept(self):
        logits = np.random.default_rng(0).normal(size=(5, 3))
        output = models.upsample_to_frames(logits, np.arange(5), 5)
        np.testing.assert_allclose(output, logits, rtol=1e-6)

    def test_one_step(self):
        output = models.upsample_to_frames(np.array([[2.0]]), np.array([0]), 3)
        self.assertEqual(output.tolist(), [[2.0], [2.0], [2.0]])
