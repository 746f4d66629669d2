import numpy as np
from data.folder_test_case import FolderTestCase
from data.numbered_video import write_video

from ssdet_keras.data import ClipBatches
from ssdet_keras.data import ClipSource
from ssdet_keras.data import VideoRecord


class LoadersTest(FolderTestCase):
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

    def assert_batches_equal(self, batches, expected):
        self.assertLen(batches, len(expected))
        for batch, other in zip(batches, expected, strict=True):
            self.assertEqual(sorted(batch), ["labels", "mask", "videos"])
            for key, value in batch.items():
                value = np.asarray(value)
                self.assertEqual(value.dtype, other[key].dtype)
                np.testing.assert_array_equal(value, other[key])

    def check(self, make_loader):
        source = self.make_source()
        loader = make_loader(source)
        for epoch in (0, 3, 4):
            source.set_epoch(epoch)
            expected = [
                self.stack(source, epoch, range(a, a + 2)) for a in (0, 2, 4)
            ]
            self.assert_batches_equal(list(loader), expected)
        source = self.make_source(training=False)
        sizes = [len(batch["mask"]) for batch in make_loader(source)]
        self.assertEqual(sizes, [2, 2, 2, 1])

    def test_torch(self):
        self.check(lambda source: source.to_torch_loader(2))

    def test_torch_processes(self):
        self.check(lambda source: source.to_torch_loader(2, num_workers=2))

    def test_torch_lasting_processes(self):
        self.check(
            lambda source: source.to_torch_loader(
                2, num_workers=1, persistent_workers=True
            )
        )

    def test_torch_processes_report_failures(self):
        source = self.make_source(num_videos=3)
        missing = VideoRecord("m", self.make_path("missing.mp4"))
        source = ClipSource(
            [*source.records, missing], num_frames=2, size=8, num_classes=3
        )
        for _ in source.to_torch_loader(2, num_workers=1):
            pass
        self.assertEqual(list(source.failures), [missing.path])

    def test_tf_dataset(self):
        self.check(lambda source: source.to_tf_dataset(2))
        spec = self.make_source().to_tf_dataset(2).element_spec
        self.assertEqual(spec["videos"].shape.as_list(), [2, 3, 16, 16, 3])

    def test_grain(self):
        self.check(lambda source: source.to_grain(2))

    def test_batch_size(self):
        source = self.make_source(num_videos=2)
        for make in (
            source.to_torch_loader,
            source.to_tf_dataset,
            source.to_grain,
            lambda batch_size: ClipBatches(source, batch_size),
        ):
            with self.assertRaisesRegex(ValueError, "batch_size=3"):
                make(3)
            with self.assertRaisesRegex(ValueError, "batch_size=0"):
                make(0)
