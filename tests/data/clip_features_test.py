import numpy as np
from absl.testing import parameterized
from data.feature_files import write_arrays
from data.folder_test_case import FolderTestCase
from data.numbered_video import read_number
from data.numbered_video import write_video

from ssdet_keras.data import ClipBatches
from ssdet_keras.data import ClipSource
from ssdet_keras.data import FeatureFolder
from ssdet_keras.data import VideoReadError
from ssdet_keras.data import VideoRecord

SHAPES = {"features": (1,), "stage1": (2, 2, 3)}


class ClipFeaturesTest(FolderTestCase):
    def make_record(self, video_id, num_frames, **kwargs):
        """Returns a record of frames that show their numbers."""
        path = self.make_path("videos", f"{video_id}.avi")
        write_video(path, num_frames, codec="MJPG", shape=(40, 40))
        return VideoRecord(video_id, path, segments=((0, 0, 99),), **kwargs)

    def write(self, record, num_frames, stride=4, **kwargs):
        """Writes features that are the numbers of their frames."""
        frames = np.arange(0, num_frames, stride, dtype="float32")
        arrays = {
            name: np.broadcast_to(
                frames.reshape(-1, *(1 for _ in shape)), (len(frames), *shape)
            )
            for name, shape in SHAPES.items()
        }
        write_arrays(
            self.make_path("features", ""),
            record.id,
            arrays,
            **{"stride": stride, "num_frames": num_frames, **kwargs},
        )

    def make_source(self, *lengths, **kwargs):
        records = []
        for i, num_frames in enumerate(lengths):
            records.append(self.make_record(str(i), num_frames))
            self.write(records[-1], num_frames)
        return self.read_source(records, **kwargs)

    def read_source(self, records, **kwargs):
        return ClipSource(
            records,
            features=FeatureFolder(self.make_path("features", "")),
            **{
                "num_frames": 3,
                "frame_stride": 4,
                "size": 40,
                "num_classes": 2,
                "crop_scale": (1, 1),
                "horizontal_flip": False,
                "num_feature_steps": 6,
                **kwargs,
            },
        )

    def check_item(self, item, num_frames, num_steps=6):
        """The frames of the clip are at the steps that have their numbers."""
        mask = item["feature_mask"]
        count = int(mask.sum())
        np.testing.assert_array_equal(mask, np.arange(num_steps) < count)
        self.assertEqual(count, min(num_steps, -(-num_frames // 4)))
        steps = item["features"][:, 0].astype("float64")
        np.testing.assert_array_equal(np.diff(steps[:count]), 4)
        np.testing.assert_array_equal(steps[count:], 0)
        np.testing.assert_array_equal(
            item["stage1"],
            np.broadcast_to(steps[:, None, None, None], (num_steps, 2, 2, 3)),
        )
        start = float(item["feature_start"])
        first_frame = read_number(item["videos"][0])
        self.assertEqual(first_frame, steps[0] + 4 * start)
        self.assertBetween(start, 0, max(0, count - 1))
        # All of the clip.
        last = start + item["mask"].sum() - 1
        self.assertLess(last, count)

    def test_frames_are_at_their_steps(self):
        for num_frames in (9, 10, 20, 23, 24, 25, 29, 61):
            source = self.make_source(num_frames)
            for epoch in range(20):
                self.check_item(source.get_clip(epoch, 0), num_frames)

    def test_short_video(self):
        source = self.make_source(7)
        item = source[0]
        np.testing.assert_array_equal(item["mask"], [1, 1, 0])
        np.testing.assert_array_equal(item["feature_mask"], [1, 1, 0, 0, 0, 0])
        np.testing.assert_array_equal(
            item["features"][:, 0], [0, 4, 0, 0, 0, 0]
        )
        self.assertEqual(item["feature_start"], 0)

    def test_clip_is_in_the_middle(self):
        # 25 steps; the first, the middle and the last clip.
        source = self.make_source(97, training=False, num_clips=3)
        starts, firsts = [], []
        for item in source:
            starts.append(float(item["feature_start"]))
            firsts.append(float(item["features"][0, 0]))
        # Frames 0, 44 and 88.
        self.assertEqual(firsts, [0, 40, 76])
        self.assertEqual(starts, [0, 1, 3])
        self.assertEqual(item["feature_mask"].sum(), 6)
        self.assertEqual(item["feature_start"].dtype, np.float32)
        self.assertEqual(item["feature_start"].shape, ())
        self.assertEqual(item["features"].dtype, np.float16)

    def test_offset(self):
        record = self.make_record("a", 60)
        self.write(record, 60, offset=2.0)
        item = self.read_source([record], training=False)[0]
        # The middle of the starts 0 to 60 - 9 is 25; features of step k are
        # those of frame 2 + 4 k.
        self.assertEqual(read_number(item["videos"][0]), 25)
        start = float(item["feature_start"])
        self.assertEqual(2 + item["features"][0, 0] + 4 * start, 25)

    def test_frame_rate(self):
        record = self.make_record("a", 61)
        self.write(record, 61, stride=2.5)
        source = self.read_source(
            [record], frame_stride=None, frame_rate=10, training=False
        )
        item = source[0]
        start = float(item["feature_start"])
        first_frame = read_number(item["videos"][0])
        self.assertAlmostEqual(
            item["features"][0, 0] + 2.5 * start, first_frame, delta=1e-5
        )

    def test_other_draws_stay(self):
        source = self.make_source(40, 50, 60)
        plain = ClipSource(
            source.records,
            num_frames=3,
            frame_stride=4,
            size=40,
            num_classes=2,
            crop_scale=(1, 1),
            horizontal_flip=False,
        )
        for epoch in range(3):
            for index in range(3):
                item = source.get_clip(epoch, index)
                for key, value in plain.get_clip(epoch, index).items():
                    np.testing.assert_array_equal(item[key], value)

    def test_all_loaders_agree(self):
        source = self.make_source(9, 30, 40, 50)
        source.set_epoch(2)
        items = [source[i] for i in range(4)]
        expected = [
            {k: np.stack([a[k], b[k]]) for k in a}
            for a, b in (items[:2], items[2:])
        ]
        self.assertEqual(
            set(expected[0]),
            {"videos", "labels", "mask", "features", "stage1", "feature_mask"}
            | {"feature_start"},
        )
        batches = ClipBatches(source, 2, initial_epoch=2)
        self.addCleanup(batches.close)
        # Processes first, which must not be forked beside threads.
        for make_loader in (
            lambda: source.to_torch_loader(2, num_workers=2),
            lambda: source.to_torch_loader(2),
            lambda: source.to_tf_dataset(2),
            lambda: source.to_grain(2),
            lambda: [batches[0], batches[1]],
        ):
            found = list(make_loader())
            self.assertLen(found, 2)
            for batch, other in zip(found, expected, strict=True):
                self.assertEqual(sorted(batch), sorted(other))
                for key, value in batch.items():
                    value = np.asarray(value)
                    self.assertEqual(value.dtype, other[key].dtype)
                    np.testing.assert_array_equal(value, other[key])

    def test_videos_without_features_are_skipped(self):
        records = [self.make_record(name, 30) for name in "abc"]
        self.write(records[0], 30)
        self.write(records[1], 31)
        source = self.read_source(records)
        for index in range(3):
            np.testing.assert_array_equal(source[index]["feature_mask"], 1)
        folder = self.make_path("features", "")
        self.assertEqual(
            source.failures,
            {
                records[1].path: "it has 30 frames, but its features in "
                f"{folder} are of 31",
                records[2].path: f"it has no features in {folder}",
            },
        )
        source = self.read_source(records[2:] + records[:1], on_error="raise")
        with self.assertRaisesRegex(VideoReadError, "no features in"):
            for index in range(2):
                source[index]
        # A file that was damaged since.
        source = self.read_source(records[:1], on_error="raise")
        self.write_damaged("a")
        with self.assertRaisesRegex(VideoReadError, "must be a whole file"):
            source[0]

    def write_damaged(self, video_id):
        path = self.make_path("features", f"{video_id}.safetensors")
        with open(path, "wb") as file:
            file.write(b"no features")

    @parameterized.named_parameters(
        ("steps", {"num_feature_steps": 0}, "num_feature_steps=0"),
        (
            "fewer",
            {"num_feature_steps": 2},
            "num_feature_steps=2, num_frames=3",
        ),
        (
            "stride",
            {"frame_stride": 5},
            "the frame_stride of the features, 4. Received: frame_stride=5",
        ),
        (
            "rate",
            {"frame_stride": None, "frame_rate": 5},
            "the frame_rate of the features, 6.25. Received: frame_rate=5",
        ),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            self.make_source(30, **kwargs)

    def test_features_of_other_videos(self):
        self.make_source(30)
        record = self.make_record("other", 30)
        with self.assertRaisesRegex(
            ValueError, "features/, with '0', for 'other'"
        ):
            self.read_source([record])
