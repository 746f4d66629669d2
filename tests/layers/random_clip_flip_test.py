import keras
import numpy as np
import tensorflow as tf
from video_test_case import VideoTestCase

from ssdet_keras.layers import RandomClipFlip


class RandomClipFlipTest(VideoTestCase):
    def test_values(self):
        videos = self.make_batch((2, 3, 2, 5, 3))["videos"]
        given = {"is_flipped": np.array([True, False])}
        output = RandomClipFlip().transform_videos(videos, given)
        output = self.to_numpy({"videos": output})["videos"]
        self.assertEqual(output.dtype, np.uint8)
        np.testing.assert_array_equal(output[0], videos[0, :, :, ::-1])
        np.testing.assert_array_equal(output[1], videos[1])

    def test_rate_is_the_share_of_clips(self):
        videos = np.zeros((2000, 1, 1, 2, 1), "float32")
        for rate in (0.0, 0.3, 1.0):
            layer = RandomClipFlip(rate, seed=1)
            drawn = self.to_numpy(layer.get_random_transformation(videos))
            bound = 5 * np.sqrt(rate * (1 - rate) / 2000)
            share = drawn["is_flipped"].mean()
            np.testing.assert_allclose(share, rate, atol=bound)

    def test_calls(self):
        batch = self.make_batch((8, 3, 2, 5, 3))
        layer = RandomClipFlip(seed=1, dtype="uint8")
        videos = batch["videos"]
        drawn = layer.get_random_transformation(batch, seed=3)
        expected = {"videos": layer.transform_videos(videos, drawn)}
        self.assert_batches_equal({"videos": layer(videos, seed=3)}, expected)
        output = layer(batch, seed=3)
        self.assert_batches_equal({"videos": output["videos"]}, expected)
        self.assertIs(output["labels"], batch["labels"])
        self.assert_batches_equal(
            {"videos": layer(videos, training=False)}, {"videos": videos}
        )
        self.assertEqual(layer(videos[0]).shape, (3, 2, 5, 3))
        symbolic = layer(keras.KerasTensor((None, None, 2, 5, 3), "uint8"))
        self.assertEqual(tuple(symbolic.shape), (None, None, 2, 5, 3))
        self.assertEqual(symbolic.dtype, "uint8")
        # Only training calls without a seed have advanced the state.
        layer(videos)
        restored = RandomClipFlip.from_config(layer.get_config())
        for _ in range(2):
            restored(videos)
        self.assert_batches_equal(
            {"videos": layer(videos)}, {"videos": restored(videos)}
        )

    def test_tf_data(self):
        videos = self.make_batch((16, 3, 2, 5, 3))["videos"]
        layer = RandomClipFlip(seed=1, dtype="uint8")
        dataset = tf.data.Dataset.from_tensors(videos).map(layer)
        first, second = (next(iter(dataset)).numpy() for _ in range(2))
        self.assertFalse(np.array_equal(first, second))
        for video, original in zip(first, videos, strict=True):
            is_same = np.array_equal(video, original)
            is_flipped = np.array_equal(video, original[:, :, ::-1])
            self.assertTrue(is_same or is_flipped)

    def test_invalid_rate(self):
        with self.assertRaisesRegex(ValueError, "rate=1.5"):
            RandomClipFlip(1.5)
