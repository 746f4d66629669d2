import keras
import numpy as np
from absl.testing import parameterized
from data.folder_test_case import FolderTestCase
from data.numbered_video import write_video

from ssdet_keras.data import ClipBatches
from ssdet_keras.data import ClipSource
from ssdet_keras.data import VideoReadError
from ssdet_keras.data import VideoRecord


class Listener(keras.layers.Layer):
    """Keeps the first batches that it was trained with."""

    def __init__(self, num_batches, batch_shape):
        super().__init__()
        self.batch_shape = batch_shape
        size = int(np.prod(batch_shape))
        self.seen = self.add_weight(
            shape=(num_batches, size), initializer="zeros", trainable=False
        )
        self.count = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", trainable=False
        )
        self.bias = self.add_weight(shape=(), initializer="zeros")

    def call(self, x):
        x = keras.ops.reshape(keras.ops.cast(x, "float32"), (1, -1))
        place = keras.ops.arange(self.seen.shape[0], dtype="int32")
        count = keras.ops.convert_to_tensor(self.count)
        here = keras.ops.equal(place[:, None], count)
        seen = keras.ops.convert_to_tensor(self.seen)
        self.seen.assign(keras.ops.where(here, x, seen))
        self.count.assign(count + 1)
        zeros = keras.ops.zeros((self.batch_shape[0], 1))
        return zeros + keras.ops.convert_to_tensor(self.bias)

    def batches(self):
        seen = keras.ops.convert_to_numpy(self.seen)
        return seen.reshape(-1, *self.batch_shape)


def to_pair(batch):
    return batch["videos"], batch["labels"][:, 0, :1]


class ClipBatchesTest(FolderTestCase):
    def make_source(self, num_videos=7, **kwargs):
        records = [
            VideoRecord(
                str(i),
                write_video(self.make_path(f"{i}.mp4"), 20 + i),
                segments=((i % 3, 0.1, 0.5),),
            )
            for i in range(num_videos)
        ]
        kwargs = {"num_frames": 3, "size": 16, "num_classes": 3, **kwargs}
        return ClipSource(records, **kwargs)

    def stack(self, source, epoch, indices):
        clips = [source.get_clip(epoch, i) for i in indices]
        return {k: np.stack([clip[k] for clip in clips]) for k in clips[0]}

    @parameterized.parameters(0, 1)
    def test_shares(self, workers):
        source = self.make_source(9)
        seeds = []

        def augment(batch, seed):
            seeds.append(seed)
            return batch

        def make(**kwargs):
            return ClipBatches(
                source, 4, augment=augment, workers=workers, **kwargs
            )

        whole = make()
        shares = [make(rank=rank, num_processes=2) for rank in range(2)]
        for index in range(3):
            expected = whole[index]
            for key, value in expected.items():
                np.testing.assert_array_equal(
                    np.concatenate([share[index][key] for share in shares]),
                    value,
                )
            self.assertEqual(
                shares[1].records_of(index), whole.records_of(index)
            )
        if not workers:
            # Those of the first share are those of the whole.
            self.assertLen(set(seeds), 6)

    def test_shares_must_be_equal(self):
        for source, batch_size in (
            (self.make_source(), 3),
            (self.make_source(training=False), 2),
        ):
            with self.assertRaisesRegex(
                ValueError,
                f"multiple of the number of processes.*size={batch_size}, "
                "num_processes=2",
            ):
                ClipBatches(source, batch_size, num_processes=2)

    @parameterized.parameters(0, 1, 2)
    def test_batches(self, workers):
        source = self.make_source()
        seeds = []

        def augment(batch, seed):
            seeds.append(seed)
            return {**batch, "seed": np.full((2,), seed)}

        batches = ClipBatches(source, 2, augment=augment, workers=workers)
        self.assertLen(batches, 3)
        self.assertIsNone(batches.num_batches)
        found = [batches[i] for i in range(9)]
        for index, batch in enumerate(found):
            epoch, i = divmod(index, 3)
            expected = self.stack(source, epoch, [2 * i, 2 * i + 1])
            for key, value in expected.items():
                np.testing.assert_array_equal(batch[key], value)
        # Every batch has a seed of its own, in any order of asking.
        self.assertLen({int(batch["seed"][0]) for batch in found}, 9)
        other = ClipBatches(source, 2, augment=augment, workers=0)
        for index in (7, 2, 7, 0):
            np.testing.assert_array_equal(
                other[index]["seed"], found[index]["seed"]
            )
        reseeded = ClipBatches(source, 2, augment=augment, workers=0, seed=1)
        self.assertNotEqual(reseeded[0]["seed"][0], found[0]["seed"][0])
        batches.close()

    def test_resume(self):
        source = self.make_source()
        whole = ClipBatches(source, 2, steps_per_epoch=4)
        rest = ClipBatches(
            source, 2, steps_per_epoch=4, initial_epoch=2, initial_batch=1
        )
        self.assertLen(whole, 4)
        for index in range(4):
            np.testing.assert_array_equal(
                rest[index]["videos"], whole[2 * 4 + 1 + index]["videos"]
            )

    def test_evaluation_is_one_pass(self):
        source = self.make_source(training=False)
        batches = ClipBatches(source, 3)
        self.assertEqual(batches.num_batches, 3)
        sizes = [len(batch["videos"]) for batch in batches]
        self.assertEqual(sizes, [3, 3, 1])
        with self.assertRaisesRegex(IndexError, "index=3"):
            batches[3]
        for kwargs in ({"steps_per_epoch": 2}, {"initial_batch": 1}):
            with self.assertRaisesRegex(ValueError, "in one pass"):
                ClipBatches(source, 3, **kwargs)

    @parameterized.parameters(0, 2)
    def test_fit_sees_every_batch_in_order(self, workers):
        source = self.make_source()
        batches = ClipBatches(source, 2, transform=to_pair, workers=workers)
        listener = Listener(10, (2, 3, 16, 16, 3))
        model = keras.Sequential([listener])
        model.compile(optimizer=keras.optimizers.SGD(1e-3), loss="mse")
        for first, last in ((0, 2), (2, 3)):
            # The first time the model is built by `fit`, then it is there.
            model.fit(
                ClipBatches(
                    source,
                    2,
                    transform=to_pair,
                    workers=workers,
                    initial_epoch=first,
                ),
                steps_per_epoch=len(batches),
                initial_epoch=first,
                epochs=last,
                verbose=0,
            )
        self.assertEqual(int(listener.count), 9)
        for index, videos in enumerate(listener.batches()[:9]):
            epoch, i = divmod(index, 3)
            expected = self.stack(source, epoch, [2 * i, 2 * i + 1])
            np.testing.assert_array_equal(videos, expected["videos"])

    def test_fit_with_validation(self):
        train = ClipBatches(self.make_source(), 2, transform=to_pair)
        validation = ClipBatches(
            self.make_source(training=False), 3, transform=to_pair
        )
        model = keras.Sequential(
            [keras.layers.GlobalAveragePooling3D(), keras.layers.Dense(1)]
        )
        model.compile(optimizer="sgd", loss="mse", jit_compile=False)
        history = model.fit(
            train,
            steps_per_epoch=len(train),
            epochs=2,
            validation_data=validation,
            verbose=0,
        ).history
        x = [validation[i] for i in range(3)]
        expected = model.evaluate(
            np.concatenate([videos for videos, _ in x]),
            np.concatenate([labels for _, labels in x]),
            batch_size=7,
            verbose=0,
        )
        self.assertAlmostEqual(
            history["val_loss"][-1] / expected, 1.0, places=4
        )

    def test_errors_reach_the_caller(self):
        missing = VideoRecord("m", self.make_path("missing.mp4"))
        source = ClipSource([missing] * 2, num_classes=1)
        for workers in (0, 2):
            with self.assertRaisesRegex(VideoReadError, "missing.mp4"):
                ClipBatches(source, 2, workers=workers)[0]

    @parameterized.parameters(
        {"seed": -1},
        {"workers": -1},
        {"prefetch": -1},
        {"steps_per_epoch": 0},
        {"initial_epoch": -1},
        {"initial_batch": -1},
    )
    def test_invalid_arguments(self, **kwargs):
        ((name, value),) = kwargs.items()
        with self.assertRaisesRegex(ValueError, f"{name}={value}"):
            ClipBatches(self.make_source(), 2, **kwargs)
