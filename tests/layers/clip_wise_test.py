import importlib.util

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from video_test_case import VideoTestCase

from ssdet_keras.layers import ClipWise

IMAGE_LAYERS = {
    "brightness": lambda: keras.layers.RandomBrightness(0.5),
    "color_jitter": lambda: keras.layers.RandomColorJitter(
        brightness_factor=0.5, contrast_factor=0.5
    ),
    "crop": lambda: keras.layers.RandomCrop(4, 5),
    "rotation": lambda: keras.layers.RandomRotation(0.3),
}
EVERY_LAYER = parameterized.parameters(*IMAGE_LAYERS)


class ClipWiseTest(VideoTestCase):
    def make_videos(self, num_clips=6):
        """Returns clips of one and the same frame."""
        frame = self.make_batch((1, 1, 8, 10, 3))["videos"].astype("float32")
        return np.repeat(np.repeat(frame, num_clips, axis=0), 3, axis=1)

    def assert_one_draw_per_clip(self, videos):
        videos = self.to_numpy({"videos": videos})["videos"]
        for t in range(1, videos.shape[1]):
            np.testing.assert_allclose(videos[:, t], videos[:, 0], atol=1e-3)
        self.assertGreater(len({video.tobytes() for video in videos}), 1)

    @EVERY_LAYER
    def test_one_draw_per_clip(self, name):
        videos = self.make_videos()
        given = keras.ops.convert_to_tensor(videos.copy())
        layer = ClipWise(IMAGE_LAYERS[name](), seed=1)
        first = layer(given)
        self.assert_one_draw_per_clip(first)
        # Some image layers change their input with PyTorch.
        self.assert_batches_equal({"videos": given}, {"videos": videos})
        # Each call draws anew, and the same seed gives the same stream.
        streams = []
        for _ in range(2):
            layer = ClipWise(IMAGE_LAYERS[name](), seed=1)
            streams.append([layer(videos) for _ in range(2)])
        streams = (
            keras.ops.convert_to_numpy(keras.ops.stack(streams[0])),
            (keras.ops.convert_to_numpy(keras.ops.stack(streams[1]))),
        )
        np.testing.assert_array_equal(*streams)
        self.assertFalse(np.array_equal(streams[0][0], streams[0][1]))
        # So does the seed of a call.
        self.assert_batches_equal(
            {"videos": layer(videos, seed=3)}, {"videos": layer(videos, seed=3)}
        )

    @EVERY_LAYER
    def test_tf_data(self, name):
        videos = self.make_videos()
        batch = {
            "videos": videos,
            "labels": np.arange(6),
            "path": np.array([f"{i}.mp4" for i in range(6)]),
        }
        layer = ClipWise(IMAGE_LAYERS[name](), seed=1)
        dataset = tf.data.Dataset.from_tensors(batch).map(layer)
        epochs = [next(iter(dataset)) for _ in range(2)]
        for epoch in epochs:
            self.assert_one_draw_per_clip(epoch["videos"].numpy())
            self.assertEqual(epoch["labels"].numpy().tolist(), list(range(6)))
            self.assertEqual(epoch["path"].numpy()[1], b"1.mp4")
        self.assertNotEqual(*(e["videos"].numpy().tobytes() for e in epochs))
        # The image layer is as it was: usable outside of tf.data.
        self.assert_one_draw_per_clip(layer(videos))

    def test_clips_of_unknown_length_in_tf_data(self):
        videos = self.make_videos()
        for name in ("brightness", "color_jitter"):
            dataset = tf.data.Dataset.from_generator(
                lambda: iter(videos),
                output_signature=tf.TensorSpec((None, 8, 10, 3)),
            )
            layer = ClipWise(IMAGE_LAYERS[name](), seed=1)
            for source in (dataset.batch(6), dataset):
                output = [x.numpy() for x in source.map(layer)]
                output = np.concatenate(output)
                output = output.reshape(videos.shape)
                self.assert_one_draw_per_clip(output)

    def test_values(self):
        """A crop shows a part, and clips have parts of their own."""
        videos = np.arange(80, dtype="uint8").reshape(8, 10, 1)
        videos = np.broadcast_to(videos, (50, 2, 8, 10, 1))
        layer = ClipWise(keras.layers.RandomCrop(4, 5), seed=1, dtype="uint8")
        output = self.to_numpy({"videos": layer(videos)})["videos"]
        self.assertEqual(output.dtype, np.uint8)
        self.assertEqual(output.shape, (50, 2, 4, 5, 1))
        corners = output[:, 0, 0, 0, 0]
        rows, columns = corners // 10, corners % 10
        self.assertEqual(set(rows), set(range(5)))
        self.assertEqual(set(columns), set(range(6)))
        for video, row, column in zip(output, rows, columns, strict=True):
            np.testing.assert_array_equal(
                video, videos[0, :, row : row + 4, column : column + 5]
            )

    def test_uint8_is_rounded(self):
        videos = self.make_videos().astype("uint8")
        layer = ClipWise(keras.layers.RandomBrightness(0.5), dtype="uint8")
        output = self.to_numpy({"videos": layer(videos, seed=3)})["videos"]
        layer = ClipWise(keras.layers.RandomBrightness(0.5))
        expected = self.to_numpy({"videos": layer(videos, seed=3)})["videos"]
        np.testing.assert_array_equal(output, np.round(expected))

    def test_structures(self):
        videos = self.make_videos()
        layer = ClipWise(keras.layers.RandomCrop(4, 5), seed=1)
        labels, names = object(), ["a", "b"]
        output = layer({"videos": videos, "labels": labels, "path": names})
        self.assertIs(output["labels"], labels)
        self.assertIs(output["path"], names)
        self.assertEqual(output["videos"].shape, (6, 3, 4, 5, 3))
        output = layer((videos, labels))
        self.assertIs(output[1], labels)
        self.assertEqual(output[0].shape, (6, 3, 4, 5, 3))
        self.assertEqual(layer(videos[0]).shape, (3, 4, 5, 3))

    def test_inference_and_model(self):
        videos = self.make_videos()
        layer = ClipWise(keras.layers.RandomBrightness(0.5))
        self.assert_batches_equal(
            {"videos": layer(videos, training=False)}, {"videos": videos}
        )
        inputs = keras.Input((3, 8, 10, 3))
        outputs = ClipWise(keras.layers.RandomCrop(4, 5))(inputs)
        self.assertEqual(tuple(outputs.shape), (None, 3, 4, 5, 3))
        model = keras.Model(inputs, outputs)
        self.assert_one_draw_per_clip(model(videos, training=True))

    def test_round_trip(self):
        layer = ClipWise(keras.layers.RandomCrop(4, 5), seed=1)
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        self.assertEqual(restored.get_config(), layer.get_config())
        videos = self.make_videos()
        self.assert_batches_equal(
            {"videos": layer(videos)}, {"videos": restored(videos)}
        )

    def test_keras_cv(self):
        if importlib.util.find_spec("keras_cv") is None:
            self.skipTest("KerasCV is not installed")
        import keras_cv

        videos = self.make_videos()
        for image_layer in (
            keras_cv.layers.RandomBrightness((0.2, 0.5), (0, 255)),
            keras_cv.layers.RandomCrop(4, 5),
            keras_cv.layers.GridMask(),
        ):
            layer = ClipWise(image_layer)
            self.assert_one_draw_per_clip(layer(videos))
            dataset = tf.data.Dataset.from_tensors(videos).map(layer)
            output = next(iter(dataset)).numpy()
            self.assert_one_draw_per_clip(output)
            if output.shape == videos.shape:
                self.assert_batches_equal(
                    {"videos": layer(videos, training=False)},
                    {"videos": videos},
                )
                continue
            with self.assertRaisesRegex(ValueError, "Received: training=False"):
                layer(videos, training=False)
        for image_layer in (
            keras_cv.layers.RandAugment((0, 255)),
            keras_cv.layers.AugMix((0, 255)),
        ):
            with self.assertRaisesRegex(ValueError, "image_layer=<"):
                ClipWise(image_layer)

    @parameterized.named_parameters(
        ("mix_up", lambda: keras.layers.MixUp(), "CutMix, MixUp.*<MixUp"),
        ("dense", lambda: keras.layers.Dense(1), "image_layer=<Dense"),
        (
            "channels_first",
            lambda: keras.layers.RandomFlip(data_format="channels_first"),
            "data_format='channels_first'",
        ),
    )
    def test_invalid_image_layers(self, make_layer, message):
        with self.assertRaisesRegex(ValueError, message):
            ClipWise(make_layer())

    def test_invalid_inputs(self):
        layer = ClipWise(keras.layers.RandomFlip())
        for inputs, message in (
            (np.zeros((2, 3, 4)), r"videos.shape=\(2, 3, 4\)"),
            ({"labels": 1}, r"Received: \['labels'\]"),
            (3, "Received: int"),
            (np.full((1, 1, 1, 1), "a"), r"videos.dtype=<U1"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                layer(inputs)
