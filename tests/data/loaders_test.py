import itertools
import threading
import time
from unittest import mock

import cv2
import grain
import numpy as np
import torch
from absl import flags
from absl.testing import parameterized
from data.folder_test_case import FolderTestCase
from data.numbered_video import write_video

from ssdet_keras.data import ClipBatches
from ssdet_keras.data import ClipSource
from ssdet_keras.data import VideoRecord


class WriteWorker:
    def __init__(self, path):
        self._path = path

    def __call__(self, worker_id):
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(str(worker_id))


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

    def test_all_loaders_agree(self):
        source = self.make_source(frame_rate=8.0, num_clips=2)
        source.set_epoch(5)
        arguments = {"batch_size": 4}
        expected = [
            {key: np.asarray(value) for key, value in batch.items()}
            for batch in source.to_torch_loader(num_workers=2, **arguments)
        ]
        self.assertLen(expected, 3)
        batches = ClipBatches(source, initial_epoch=5, **arguments)
        self.addCleanup(batches.close)
        for loader in (
            source.to_torch_loader(num_workers=0, **arguments),
            source.to_tf_dataset(workers=0, **arguments),
            source.to_tf_dataset(workers=1, **arguments),
            source.to_tf_dataset(workers=3, **arguments),
            source.to_grain(workers=0, **arguments),
            source.to_grain(workers=3, **arguments),
            [batches[i] for i in range(3)],
        ):
            self.assert_batches_equal(list(loader), expected)

    @parameterized.parameters(
        lambda source: source.to_torch_loader(2),
        lambda source: source.to_torch_loader(2, num_workers=2),
        lambda source: source.to_tf_dataset(2),
        lambda source: source.to_grain(2),
    )
    def test_resume_in_an_epoch(self, make_loader):
        source = self.make_source()
        loader = make_loader(source)
        source.set_epoch(3)
        whole = [
            {key: np.asarray(value) for key, value in batch.items()}
            for batch in loader
        ]
        source.set_epoch(3, first_index=4)
        self.assert_batches_equal(list(loader), whole[2:])
        source.set_epoch(3)
        self.assert_batches_equal(list(loader), whole)

    def test_grain_resumes_from_its_state(self):
        loader = self.make_source().to_grain(2)
        iterator = iter(loader)
        next(iterator)
        state = iterator.get_state()
        rest = list(iterator)
        iterator = iter(loader)
        iterator.set_state(state)
        self.assert_batches_equal(list(iterator), rest)
        self.assertLen(rest, 2)

    @parameterized.parameters(
        lambda source: source.to_tf_dataset(6, workers=6),
        lambda source: source.to_grain(6, workers=6),
        lambda source: ClipBatches(source, 6, workers=6, prefetch=0),
    )
    def test_workers_read_at_the_same_time(self, make_loader):
        source = self.make_source()
        get_clip = source.get_clip
        # Passes when six readers are there, however few the cores.
        barrier = threading.Barrier(6, timeout=60)

        def wait(epoch, index):
            if index < 6:
                barrier.wait()
            return get_clip(epoch, index)

        with mock.patch.object(source, "get_clip", wait):
            batch = next(iter(make_loader(source)))
        self.assertLen(batch["videos"], 6)

    @parameterized.parameters(
        lambda source: source.to_tf_dataset(4, workers=2),
        lambda source: source.to_grain(4, workers=2),
        lambda source: ClipBatches(source, 4, workers=2, prefetch=1),
    )
    def test_no_more_than_the_workers_read_at_the_same_time(self, make_loader):
        source = self.make_source(num_clips=4)
        get_clip = source.get_clip
        lock, reading, numbers = threading.Lock(), set(), []

        def count(epoch, index):
            with lock:
                reading.add(index)
                numbers.append(len(reading))
            time.sleep(0.02)
            clip = get_clip(epoch, index)
            with lock:
                reading.remove(index)
            return clip

        with mock.patch.object(source, "get_clip", count):
            loader = make_loader(source)
            # That of `ClipBatches` has no end.
            batches = list(itertools.islice(loader, 7))
        self.assertLen(batches, 7)
        self.assertEqual(max(numbers), 2)

    def test_epoch_of_an_iteration_stays(self):
        source = self.make_source()
        expected = [self.stack(source, 0, range(a, a + 2)) for a in (0, 2, 4)]
        for loader in (
            source.to_torch_loader(2),
            source.to_tf_dataset(2),
            source.to_grain(2),
        ):
            source.set_epoch(0)
            batches = []
            for batch in loader:
                batches.append(batch)
                source.set_epoch(1)
            self.assert_batches_equal(batches, expected)

    def test_torch_loader_of_a_plain_source(self):
        source = self.make_source()
        for num_workers in (0, 2):
            loader = torch.utils.data.DataLoader(
                source, batch_size=2, num_workers=num_workers
            )
            for epoch in (0, 1):
                source.set_epoch(epoch)
                expected = [
                    self.stack(source, epoch, range(a, min(a + 2, 7)))
                    for a in (0, 2, 4, 6)
                ]
                self.assert_batches_equal(list(loader), expected)

    def test_grain_processes_of_a_plain_source(self):
        # Grain reads the flags of absl.
        if not flags.FLAGS.is_parsed():
            flags.FLAGS.mark_as_parsed()
        source = self.make_source()
        source.set_epoch(2)
        dataset = (
            grain.MapDataset.source(source)
            .to_iter_dataset()
            .mp_prefetch(grain.MultiprocessingOptions(num_workers=1))
            .batch(2, drop_remainder=True)
        )
        expected = [self.stack(source, 2, range(a, a + 2)) for a in (0, 2, 4)]
        self.assert_batches_equal(list(dataset), expected)

    def test_torch(self):
        self.check(lambda source: source.to_torch_loader(2))

    def test_torch_processes(self):
        self.check(lambda source: source.to_torch_loader(2, num_workers=2))

    def test_torch_processes_after_threads_of_opencv(self):
        cv2.GaussianBlur(np.zeros((1000, 1000, 3), "uint8"), (31, 31), 5)
        self.check(
            lambda source: source.to_torch_loader(2, num_workers=1, timeout=60)
        )

    def test_torch_lasting_processes(self):
        self.check(
            lambda source: source.to_torch_loader(
                2, num_workers=1, persistent_workers=True
            )
        )

    def test_torch_worker_init_fn(self):
        path = self.make_path("started")
        loader = self.make_source().to_torch_loader(
            2, num_workers=2, worker_init_fn=WriteWorker(path)
        )
        for _ in loader:
            pass
        with open(path, encoding="utf-8") as file:
            self.assertEqual(sorted(file.read()), ["0", "1"])

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
        for make in (source.to_tf_dataset, source.to_grain):
            with self.assertRaisesRegex(ValueError, "workers=-1"):
                make(2, workers=-1)
