import unittest

import keras
import numpy as np

from ssdet_keras import models
from ssdet_keras.data.stitch_windows import find_window_starts
from ssdet_keras.data.stitch_windows import stitch_windows
from ssdet_keras.models.stream_features import temporal_stride


def make_frames(count):
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, 4, 4, 3)).astype("uint8")


def cut(frames, window, overlap, multiple=1):
    """Yields windows, as `VideoWindows` does."""
    for start in find_window_starts(len(frames), window, overlap, multiple):
        yield start, frames[start : start + window]


def collect(parts):
    parts = list(parts)
    return {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}


def make_model(stride=1):
    """Returns a model whose features depend on three steps."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, None, 3))
    x = keras.layers.AveragePooling3D((stride, 1, 1), padding="same")(inputs)
    x = keras.layers.Conv3D(5, (3, 1, 1), padding="same")(x)
    return keras.Model(
        inputs, {"map": x, "features": keras.ops.mean(x, axis=(2, 3))}
    )


class StreamFeaturesTest(unittest.TestCase):
    def check(self, found, expected):
        self.assertEqual(sorted(found), sorted(expected))
        for name, value in expected.items():
            self.assertEqual(found[name].dtype, np.float32)
            np.testing.assert_allclose(
                found[name], np.asarray(value[0]), rtol=1e-4, atol=1e-3
            )

    def test_windows_are_one_pass(self):
        model = make_model()
        for count in (1, 8, 9, 13, 30):
            frames = make_frames(count)
            found = collect(
                models.stream_features(model, cut(frames, 8, 3), margin=1)
            )
            self.assertEqual(found["map"].shape, (count, 4, 4, 5))
            self.assertEqual(found["features"].shape, (count, 5))
            self.check(found, model.predict_on_batch(frames[None]))

    def test_windows_of_a_model_that_strides_time(self):
        model = make_model(stride=4)
        self.assertEqual(temporal_stride(model, 4), 4)
        self.assertEqual(temporal_stride(make_model(), 4), 1)
        for count in (1, 5, 32, 33, 36, 63, 64, 65, 95):
            frames = make_frames(count)
            found = collect(
                models.stream_features(
                    model, cut(frames, 32, 12, 4), margin=1, stride=4
                )
            )
            self.assertEqual(len(found["features"]), -(-count // 4))
            if count % 4 == 0:
                # Others are padded at their beginning.
                self.check(found, model.predict_on_batch(frames[None]))

    def test_blending_is_that_of_stitch_windows(self):
        # Too little overlap for the model: the windows differ.
        model = make_model()
        frames = make_frames(21)
        found = collect(models.stream_features(model, cut(frames, 8, 2)))
        for name in found:
            expected = stitch_windows(
                (
                    start,
                    np.asarray(
                        model.predict_on_batch(part[None])[name]
                    ).reshape(len(part), -1),
                )
                for start, part in cut(frames, 8, 2)
            )
            np.testing.assert_allclose(
                found[name].reshape(21, -1), expected, rtol=1e-5
            )

    def test_parts_come_as_they_are_done(self):
        num_read = 0

        def windows():
            nonlocal num_read
            for window in cut(make_frames(100), 8, 2):
                num_read += 1
                yield window

        steps = 0
        for count, part in enumerate(
            models.stream_features(make_model(), windows()), 1
        ):
            steps += len(part["features"])
            self.assertLessEqual(num_read, count + 1)
        self.assertEqual(steps, 100)
