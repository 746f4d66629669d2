"""Sources of videos that hang."""

import os
import pickle
import subprocess
import sys
import threading

import numpy as np
from data.folder_test_case import FolderTestCase
from data.numbered_video import write_video

from ssdet_keras.data import ClipBatches
from ssdet_keras.data import ClipSource
from ssdet_keras.data import VideoReadError
from ssdet_keras.data import VideoRecord

TRAIN_ON_FIFOS = """
import sys
from ssdet_keras.data import *

records = [VideoRecord(p, p, fps=10, segments=()) for p in sys.argv[1:]]
source = ClipSource(records, num_frames=2, size=16, num_classes=1)
source.read_timeout = 0.5
batches = ClipBatches(source, 2, workers=2)
try:
    batches[0]
except VideoReadError as error:
    print(error)
batches.close()
"""


class HangingSource(ClipSource):
    """Hangs on some of its videos until it is told to go on."""

    def __init__(self, *args, hangs_on=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.hangs_on = hangs_on
        self.num_hung = 0
        self.go_on = threading.Event()

    def _draw(self, video_index, clip, rng):
        if self.records[video_index].id in self.hangs_on:
            self.num_hung += 1
            self.go_on.wait()
            rng.random(1000)
        return super()._draw(video_index, clip, rng)


class StalledVideosTest(FolderTestCase):
    def make_records(self, num_videos):
        return [
            VideoRecord(
                str(i),
                write_video(self.make_path(f"{i}.mp4"), 20 + i),
                segments=((0, 0.1, 0.5),),
            )
            for i in range(num_videos)
        ]

    def make_source(self, num_videos=6, timeout=1.0, **kwargs):
        source = HangingSource(
            self.make_records(num_videos),
            num_frames=3,
            size=16,
            num_classes=1,
            **kwargs,
        )
        source.read_timeout = timeout
        self.addCleanup(source.go_on.set)
        return source

    def draw_all(self, source):
        return [source.get_clip(0, index) for index in range(len(source))]

    def test_the_clips_are_those_without_a_timeout(self):
        expected = self.draw_all(self.make_source(timeout=None))
        for a, b in zip(
            self.draw_all(self.make_source(timeout=60)), expected, strict=True
        ):
            np.testing.assert_array_equal(a["videos"], b["videos"])

    def test_another_video_takes_the_place(self):
        expected = self.draw_all(self.make_source(timeout=None))
        source = self.make_source(hangs_on=["2"])
        clips = self.draw_all(source)
        path = source.records[2].path
        self.assertEqual(
            source.failures,
            {path: f"not read within 1 s; being read: {path}"},
        )
        for index, (clip, wanted) in enumerate(
            zip(clips, expected, strict=True)
        ):
            is_same = (clip["videos"] == wanted["videos"]).all()
            hangs = source.get_record(0, index).id == "2"
            self.assertEqual(is_same, not hangs)
        # It is not waited for again.
        source.get_clip(1, source._order_of(1).tolist().index(2))
        self.assertEqual(source.num_hung, 1)
        # Nor does what is drawn depend on how long it hangs.
        source.go_on.set()
        other = self.make_source(hangs_on=["2"])
        for a, b in zip(clips, self.draw_all(other), strict=True):
            np.testing.assert_array_equal(a["videos"], b["videos"])

    def test_a_second_one_is_an_error_that_names_both(self):
        source = self.make_source(2, hangs_on=["0", "1"])
        paths = [record.path for record in source.records]
        with self.assertRaisesRegex(
            VideoReadError,
            rf"\(not read within 1 s; being read: {paths[0]}, {paths[1]}\)",
        ):
            source[0]
        self.assertEqual(sorted(source.failures), paths)

    def test_batches(self):
        source = self.make_source(hangs_on=["0", "1", "2"])
        source.max_failures = 0.4
        batches = ClipBatches(source, 3, workers=3)
        self.addCleanup(batches.close)
        with self.assertRaisesRegex(VideoReadError, r"not read within 1 s"):
            for index in range(2):
                batches[index]
        self.assertIsInstance(batches.error, VideoReadError)

    def test_on_error_raise(self):
        source = self.make_source(
            1, hangs_on=["0"], on_error="raise", training=False
        )
        for _ in range(2):
            with self.assertRaisesRegex(VideoReadError, "not read within"):
                source[0]

    def test_pickle(self):
        source = ClipSource(
            self.make_records(1), num_frames=3, size=16, num_classes=1
        )
        source.read_timeout = 60
        source[0]
        other = pickle.loads(pickle.dumps(source))
        self.assertEqual(other.read_timeout, 60)
        np.testing.assert_array_equal(other[0]["videos"], source[0]["videos"])

    def test_a_process_ends_while_its_reads_hang(self):
        # Nobody writes to these frames, and who opens them waits.
        paths = [self.make_path(name) for name in "ab"]
        for path in paths:
            os.mkdir(path)
            os.mkfifo(os.path.join(path, "1.jpg"))
        result = subprocess.run(
            [sys.executable, "-c", TRAIN_ON_FIFOS, *paths],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(
            result.stdout,
            rf"can't be read: .*not read within 0.5 s; being read: {paths[0]}",
        )
