import keras
import numpy as np
from absl.testing import parameterized
from data.feature_files import make_arrays
from data.feature_files import write_arrays
from data.folder_test_case import FolderTestCase

from ssdet_keras.data import ClipBatches
from ssdet_keras.data import FeatureFolder
from ssdet_keras.data import FeatureSource
from ssdet_keras.data import VideoReadError
from ssdet_keras.data import VideoRecord
from ssdet_keras.data import VideoRecords


class FeatureSourceTest(FolderTestCase):
    def make_source(self, *lengths, **kwargs):
        """Returns a source of videos whose first feature is their number."""
        records = []
        for i, length in enumerate(lengths):
            arrays = make_arrays(length, seed=i)
            arrays["features"][:, 0] = i
            arrays["features"][:, 1] = np.arange(length)
            write_arrays(self.folder, f"v{i}", arrays, fps=10, stride=5)
            segments = ((0, 0.0, 99.0), (1, 1.0, 2.0))
            records.append(VideoRecord(f"v{i}", "-", segments=segments))
        return FeatureSource(
            VideoRecords(records, ["a", "b", "c"]),
            FeatureFolder(self.folder),
            **kwargs,
        )

    def test_whole_videos(self):
        source = self.make_source(3, 7, training=False)
        self.assertLen(source, 2)
        for i, length in enumerate((3, 7)):
            item = source[i]
            expected = source.features[f"v{i}"]["features"]
            np.testing.assert_array_equal(item["features"], expected)
            # At 0, 0.5, 1, ... s.
            labels = np.zeros((7, 3))
            labels[:, 0] = 1
            labels[2:5, 1] = 1
            np.testing.assert_array_equal(item["labels"], labels[:length])
            np.testing.assert_array_equal(item["mask"], np.ones(length))
            for value in item.values():
                self.assertEqual(value.dtype, np.float32)

    def test_varies_in_length(self):
        self.assertTrue(self.make_source(3, 4).varies_in_length)
        self.assertFalse(self.make_source(3, 4, num_steps=3).varies_in_length)

    def test_multiple_of_steps(self):
        source = self.make_source(3, 4, 9, training=False, multiple=4)
        for item, length, num_steps in zip(
            source, (3, 4, 9), (4, 4, 12), strict=True
        ):
            self.assertEqual(item["features"].shape[0], num_steps)
            self.assertEqual(item["labels"].shape, (num_steps, 3))
            expected = np.arange(num_steps) < length
            np.testing.assert_array_equal(item["mask"], expected)
            np.testing.assert_array_equal(item["features"][length:], 0)

    def test_number_of_steps(self):
        source = self.make_source(3, 9, training=False, num_steps=5)
        short, long = source
        np.testing.assert_array_equal(short["mask"], [1, 1, 1, 0, 0])
        np.testing.assert_array_equal(short["labels"][:, 0], short["mask"])
        np.testing.assert_array_equal(short["features"][3:], 0)
        np.testing.assert_array_equal(short["features"][:3, 1], [0, 1, 2])
        # The middle, and the labels of its times.
        np.testing.assert_array_equal(long["features"][:, 1], [2, 3, 4, 5, 6])
        np.testing.assert_array_equal(long["labels"][:, 1], [1, 1, 1, 0, 0])
        np.testing.assert_array_equal(long["mask"], np.ones(5))

        source = self.make_source(9, num_steps=5)
        starts = set()
        for epoch in range(60):
            item = source.get_clip(epoch, 0)
            first = int(item["features"][0, 1])
            starts.add(first)
            np.testing.assert_array_equal(
                item["features"][:, 1], first + np.arange(5)
            )
            steps = first + np.arange(5)
            np.testing.assert_array_equal(
                item["labels"][:, 1], (steps >= 2) & (steps <= 4)
            )
        # One is missed with probability 5 * (4 / 5) ** 60 < 1e-5.
        self.assertEqual(starts, {0, 1, 2, 3, 4})

    def test_epochs(self):
        source = self.make_source(*range(2, 8))
        orders = set()
        for epoch in range(4):
            source.set_epoch(epoch)
            order = [int(item["features"][0, 0]) for item in source]
            self.assertEqual(sorted(order), list(range(6)))
            orders.add(tuple(order))
        self.assertGreater(len(orders), 2)

    @parameterized.parameters(None, 4)
    def test_all_loaders_agree(self, num_steps):
        source = self.make_source(3, 7, 5, 2, 6, num_steps=num_steps)
        source.set_epoch(3)
        expected = []
        for pair in ((0, 1), (2, 3)):
            items = [source[i] for i in pair]
            length = num_steps or max(len(x["mask"]) for x in items)
            batch = {
                "features": np.zeros((2, length, 4)),
                "labels": np.zeros((2, length, 3)),
                "mask": np.zeros((2, length)),
            }
            for row, item in enumerate(items):
                for key, value in item.items():
                    batch[key][row, : len(value)] = value
            expected.append(batch)
        batches = ClipBatches(source, 2, initial_epoch=3)
        self.addCleanup(batches.close)
        for loader in (
            source.to_torch_loader(2),
            source.to_tf_dataset(2),
            source.to_grain(2),
            [batches[0], batches[1]],
        ):
            found = list(loader)
            self.assertLen(found, 2)
            for batch, other in zip(found, expected, strict=True):
                self.assertEqual(sorted(batch), sorted(other))
                for key, value in batch.items():
                    value = np.asarray(value)
                    self.assertEqual(value.dtype, np.float32)
                    np.testing.assert_array_equal(value, other[key])

    def test_fit(self):
        source = self.make_source(3, 7, 5, 2)
        batches = ClipBatches(
            source, 2, transform=lambda b: (b["features"], b["labels"])
        )
        self.addCleanup(batches.close)
        model = keras.Sequential(
            [keras.Input((None, 4)), keras.layers.Dense(3)]
        )
        model.compile(keras.optimizers.SGD(1e-4), "mse")
        history = model.fit(batches, steps_per_epoch=2, epochs=4, verbose=0)
        self.assertTrue(np.isfinite(history.history["loss"]).all())
        # Whole videos, of any lengths, are what it learned from.
        model.evaluate(
            ClipBatches(
                self.make_source(3, 7, 5, training=False),
                2,
                workers=0,
                transform=batches.transform,
            ),
            verbose=0,
        )

    def test_features_alone_are_drawn_of_a_pyramid(self):
        arrays = make_arrays(5, features=(4,), stage1=(7, 7, 2))
        write_arrays(self.folder, "a", arrays)
        source = FeatureSource(
            [VideoRecord("a", "-")], FeatureFolder(self.folder), num_classes=1
        )
        self.assertEqual(set(source[0]), {"features", "labels", "mask"})

    def test_videos_without_features(self):
        source = self.make_source(3, 4)
        records = [*source.records, VideoRecord("x", "x.mp4")]
        kwargs = {"num_classes": 3}
        source = FeatureSource(records, source.features, **kwargs)
        for index in range(3):
            source[index]
        self.assertEqual(
            source.failures, {"x.mp4": f"it has no features in {self.folder}"}
        )
        self.assertIn("x.mp4: it has no features", source.report())
        source = FeatureSource(
            records, source.features, on_error="raise", **kwargs
        )
        with self.assertRaisesRegex(VideoReadError, "x.mp4.*no features"):
            for index in range(3):
                source[index]
        with self.assertRaisesRegex(ValueError, "with 'v0', for 'x'"):
            FeatureSource(records[2:], source.features, **kwargs)

    @parameterized.named_parameters(
        ("steps", {"num_steps": 0}, "num_steps=0"),
        ("seed", {"seed": -1}, "seed=-1"),
        ("classes", {"num_classes": 0}, "num_classes=0"),
        ("on_error", {"on_error": "stop"}, "on_error='stop'"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            self.make_source(3, **kwargs)
