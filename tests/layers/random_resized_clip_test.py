import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from video_test_case import VideoTestCase

from ssdet_keras.data.geometry import centre_box
from ssdet_keras.layers import RandomResizedClip


class RandomResizedClipTest(VideoTestCase):
    def test_values_are_those_of_a_crop_and_a_resize(self):
        videos = self.make_batch((3, 2, 20, 30, 3))["videos"].astype("float32")
        layer = RandomResizedClip((8, 16), size=8)
        boxes = {"top": [0, 3, 8], "left": [0, 4, 18], "side": [20, 8, 12]}
        given = {k: np.array(v, "int32") for k, v in boxes.items()}
        output = layer.transform_videos(videos, given)
        output = self.to_numpy({"videos": output})["videos"]
        for i, (top, left, side) in enumerate(
            zip(*boxes.values(), strict=True)
        ):
            crop = videos[i, :, top : top + side, left : left + side]
            # TensorFlow's, as that of Keras with JAX blurs before it shrinks.
            expected = tf.image.resize(crop, (8, 8)).numpy()
            np.testing.assert_allclose(output[i], expected, atol=1e-3)
        # A square of the size of the output is copied.
        np.testing.assert_array_equal(output[1], videos[1, :, 3:11, 4:12])

    def test_uint8_is_rounded(self):
        videos = self.make_batch((4, 2, 20, 30, 3))["videos"]
        floats = RandomResizedClip((8, 16), size=8)(videos, seed=3)
        small = RandomResizedClip((8, 16), size=8, dtype="uint8")
        small = small(videos, seed=3)
        output = self.to_numpy({"floats": floats, "uint8": small})
        self.assertEqual(output["uint8"].dtype, np.uint8)
        np.testing.assert_array_equal(
            output["uint8"], np.round(output["floats"])
        )

    def test_draws(self):
        num_clips = 3000
        videos = np.zeros((num_clips, 1, 20, 30, 1), "float32")
        layer = RandomResizedClip((10, 16), size=8, seed=1)
        drawn = self.to_numpy(layer.get_random_transformation(videos))
        # Seven short sides: 20 * 8 / (10, 11, 12, 13, 14, 15, 16).
        values, counts = np.unique(drawn["side"], return_counts=True)
        self.assertEqual(values.tolist(), [10, 11, 12, 13, 15, 16])
        bound = 5 * np.sqrt(num_clips / 7)
        expected = num_clips * np.array([1, 2, 1, 1, 1, 1]) / 7
        np.testing.assert_allclose(counts, expected, atol=1.5 * bound)
        for side in values:
            chosen = drawn["side"] == side
            for key, length in (("top", 20), ("left", 30)):
                places = drawn[key][chosen]
                self.assertEqual(places.min(), 0)
                self.assertEqual(places.max(), length - side)

    @parameterized.parameters((20, 30), (31, 20))
    def test_inference_shows_the_centre_as_the_clip_source_does(
        self, height, width
    ):
        videos = np.zeros((2, 1, height, width, 1), "float32")
        layer = RandomResizedClip((16, 20), size=14)
        drawn = layer.get_random_transformation(videos, training=False)
        drawn = self.to_numpy(drawn)
        top, left, side, _ = centre_box(height, width, 14 / 16)
        self.assertEqual(drawn["side"].tolist(), [side] * 2)
        self.assertAlmostEqual(drawn["top"][0], top, delta=1)
        self.assertAlmostEqual(drawn["left"][0], left, delta=1)

    def test_one_draw_per_clip(self):
        frame = self.make_batch((1, 1, 20, 30, 3))["videos"]
        videos = np.repeat(np.repeat(frame, 4, axis=0), 3, axis=1)
        layer = RandomResizedClip((8, 16), size=8, seed=1)
        dataset = tf.data.Dataset.from_tensors(videos).map(layer)
        outputs = [next(iter(dataset)).numpy() for _ in range(2)]
        outputs += self.to_numpy({"videos": layer(videos)}).values()
        for output in outputs:
            self.assertEqual(output.shape, (4, 3, 8, 8, 3))
            np.testing.assert_array_equal(output[:, 0], output[:, 2])
            self.assertLen({video.tobytes() for video in output}, 4)
        self.assertFalse(np.array_equal(outputs[0], outputs[1]))

    def test_unknown_sizes(self):
        def generate():
            yield np.full((2, 20, 30, 3), 7, "uint8")
            yield np.full((5, 30, 20, 3), 7, "uint8")

        layer = RandomResizedClip((8, 16), size=8, seed=1)
        dataset = tf.data.Dataset.from_generator(
            generate,
            output_signature=tf.TensorSpec((None, None, None, 3), "uint8"),
        )
        clips = [clip.numpy() for clip in dataset.map(layer)]
        for clip, num_frames in zip(clips, (2, 5), strict=True):
            self.assertEqual(clip.shape, (num_frames, 8, 8, 3))
            np.testing.assert_allclose(clip, 7, atol=1e-5)

        inputs = keras.Input((None, None, None, 3), dtype="uint8")
        outputs = layer(inputs)
        self.assertEqual(tuple(outputs.shape), (None, None, 8, 8, 3))
        model = keras.Model(inputs, outputs)
        for clip in generate():
            output = model(clip[None], training=True)
            self.assertEqual(output.shape, (1, len(clip), 8, 8, 3))

    def test_structures_and_round_trip(self):
        batch = self.make_batch((2, 3, 20, 30, 3))
        layer = RandomResizedClip((8, 16), size=8, seed=1)
        output = layer({**batch, "path": ["a", "b"]})
        self.assertEqual(output["path"], ["a", "b"])
        self.assertIs(output["labels"], batch["labels"])
        self.assertEqual(output["videos"].shape, (2, 3, 8, 8, 3))
        config = layer.get_config()
        self.assertEqual(config["short_side"], (8, 16))
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        self.assertEqual(restored.get_config(), config)
        self.assertEqual(RandomResizedClip(16, size=8).short_side, (16, 16))

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(ValueError, "size=0"):
            RandomResizedClip(size=0)
        for short_side in (200, (256, 255), (256, 320, 3)):
            with self.assertRaisesRegex(ValueError, "at least 224 .*Received"):
                RandomResizedClip(short_side)
