"""Checks that every video augmentation must pass."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized


class VideoTestCase(parameterized.TestCase):
    def make_batch(self, shape=(8, 16, 6, 32, 3), num_classes=8, seed=0):
        """Returns random uint8 videos, each with a class of its own."""
        rng = np.random.default_rng(seed)
        classes = np.arange(np.prod(shape[:-4], dtype=int)) % num_classes
        labels = np.eye(num_classes, dtype="float32")[classes]
        labels = np.repeat(labels[:, None], shape[-4], axis=1)
        return {
            "videos": rng.integers(0, 256, shape, dtype=np.uint8),
            "labels": labels.reshape(*shape[:-3], num_classes),
        }

    def to_numpy(self, batch):
        return {k: keras.ops.convert_to_numpy(v) for k, v in batch.items()}

    def assert_batches_equal(self, a, b, atol=0):
        a, b = self.to_numpy(a), self.to_numpy(b)
        self.assertEqual(sorted(a), sorted(b))
        for key in a:
            np.testing.assert_allclose(a[key], b[key], rtol=0, atol=atol)

    def run_augmentation_test(self, layer_class, init_kwargs, num_roundings=1):
        batch = self.make_batch()
        before = {k: v.copy() for k, v in batch.items()}
        layer = layer_class(**init_kwargs, seed=7)

        # Every constructor argument survives a round trip.
        config = layer.get_config()
        for name, value in init_kwargs.items():
            if name != "layers":
                self.assertEqual(config[name], value)
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        self.assertEqual(restored.get_config(), config)

        # The same seed gives the same batch. The input arrays are not modified.
        eager = self.to_numpy(layer(batch))
        self.assert_batches_equal(eager, restored(batch))
        self.assert_batches_equal(batch, before)
        self.assertFalse(np.array_equal(eager["videos"], batch["videos"]))
        self.assertEqual(eager["videos"].dtype, np.float32)

        # A seed of the call gives that batch again, whatever was drawn before.
        first = self.to_numpy(layer(batch, seed=3))
        self.assert_batches_equal(first, layer(batch, seed=3))
        other = self.to_numpy(layer(batch, seed=4))
        self.assertFalse(np.array_equal(first["videos"], other["videos"]))

        # A call draws parameters and applies them.
        transformation = layer.get_random_transformation(batch, seed=3)
        videos = layer.transform_videos(
            batch["videos"].astype("float32"), transformation
        )
        labels = layer.transform_labels(batch["labels"], transformation)
        self.assert_batches_equal(first, {"videos": videos, "labels": labels})

        # Inference is the identity, and so is a rate of zero.
        self.assert_batches_equal(layer(batch, training=False), batch)
        idle = layer_class(**{**init_kwargs, "rate": 0.0})
        self.assert_batches_equal(idle(batch), batch)

        # A tuple gives a tuple, other keys pass through.
        videos, labels = layer((batch["videos"], batch["labels"]), seed=3)
        self.assert_batches_equal(first, {"videos": videos, "labels": labels})
        names = np.array([f"{i}.mp4" for i in range(8)])
        named = layer({**batch, "path": names}, seed=3)
        self.assertIs(named.pop("path"), names)
        self.assert_batches_equal(first, named)

        # uint8 stays uint8, rounded to the nearest.
        small = layer_class(**init_kwargs, seed=7, dtype="uint8")
        small = self.to_numpy(small(batch, seed=3))
        self.assertEqual(small["videos"].dtype, np.uint8)
        self.assertEqual(small["labels"].dtype, np.float32)
        error = np.abs(small["videos"].astype("float32") - first["videos"])
        # Half a step each, and what float32 rounds at that magnitude.
        self.assertLessEqual(error.max(), 0.5 * num_roundings + 1e-4)

        # Without a batch axis.
        clip = {k: v[0] for k, v in batch.items()}
        output = self.to_numpy(layer(clip))
        for key in clip:
            self.assertEqual(output[key].shape, clip[key].shape)

        # Symbolic shapes agree with eager shapes.
        symbolic = layer(
            {
                k: keras.KerasTensor((None, *v.shape[1:]), dtype=v.dtype)
                for k, v in batch.items()
            }
        )
        for key, value in eager.items():
            self.assertEqual(
                tuple(symbolic[key].shape), (None, *value.shape[1:])
            )
            self.assertEqual(symbolic[key].dtype, value.dtype)

        # In a functional model.
        inputs = {
            k: keras.Input(v.shape[1:], dtype=v.dtype, name=k)
            for k, v in batch.items()
        }
        model = keras.Model(inputs, layer_class(**init_kwargs, seed=7)(inputs))
        self.assert_batches_equal(model(batch, training=False), batch)
        output = self.to_numpy(model(batch, training=True))
        self.assertFalse(np.array_equal(output["videos"], batch["videos"]))

        # In tf.data, with any Keras backend, the same seed gives the same
        # stream, and no two batches of it, within or across epochs, are equal.
        streams = []
        for _ in range(2):
            layer = layer_class(**init_kwargs, seed=7)
            dataset = tf.data.Dataset.from_tensors(batch).repeat(3).map(layer)
            streams.append(
                [self.to_numpy(b) for _ in range(2) for b in dataset]
            )
        for a, b in zip(*streams, strict=True):
            self.assert_batches_equal(a, b)
        self.assertLen({b["videos"].tobytes() for b in streams[0]}, 6)
