import os
import pickle

import numpy as np
import pytest
from data.folder_test_case import FolderTestCase
from data.numbered_video import HEIGHT
from data.numbered_video import WIDTH
from data.numbered_video import read_number
from data.numbered_video import write_video

from ssdet_keras.data.video_cache import VideoCache

FRAME_BYTES = 3 * HEIGHT * WIDTH


class VideoCacheTest(FolderTestCase):
    def test_keeps_what_fits(self):
        paths = [
            write_video(self.make_path(f"{n}.mp4"), n) for n in (10, 30, 5)
        ]
        cache = VideoCache(20 * FRAME_BYTES)
        for _ in range(2):
            for path in paths:
                with cache.open(path) as video:
                    number = read_number(video.read([3])[0])
                self.assertEqual(number, 3)
        # 10 and 5 frames fit; 30 don't, and drive out neither.
        self.assertLen(cache, 2)
        self.assertIs(cache.open(paths[0]), cache.open(paths[0]))
        self.assertIsNot(cache.open(paths[1]), cache.open(paths[1]))
        self.assertEmpty(pickle.loads(pickle.dumps(cache)))

    def test_truncated_video_is_not_kept(self):
        path = write_video(self.make_path("a.avi"), 60, codec="MJPG")
        with open(path, "rb") as file:
            content = file.read()
        with open(path, "wb") as file:
            file.write(content[: len(content) // 2])
        cache = VideoCache(100 * FRAME_BYTES)
        for _ in range(2):
            frames = cache.open(path).read([0, 5])
            self.assertEqual([read_number(f) for f in frames], [0, 5])
        self.assertEmpty(cache)
        # Its bytes are free for others.
        other = write_video(self.make_path("b.mp4"), 90)
        cache.open(other)
        self.assertLen(cache, 1)

    def test_frames_are_counted_once(self):
        path = write_video(self.make_path("a.mkv"), 12, codec="XVID")
        cache = VideoCache(0)
        counts = [cache.open(path).num_frames for _ in range(2)]
        self.assertEqual(counts, [12, 12])
        frames = cache.open(path).read(np.arange(12))
        self.assertEqual([read_number(f) for f in frames], list(range(12)))

    def test_reader(self):
        pytest.importorskip("av")
        path = write_video(self.make_path("a.mp4"), 8)
        # Without and with room for it, and in another process.
        for cache in (VideoCache(0, "pyav"), VideoCache(10**6, "pyav")):
            for x in (cache, pickle.loads(pickle.dumps(cache))):
                # As PyAV, and not OpenCV, calls the codec.
                self.assertEqual(x.open(path).codec, "mpeg4")

    def test_reader_of_a_truncated_video(self):
        pytest.importorskip("av")
        path = write_video(self.make_path("a.avi"), 60, codec="MJPG")
        with open(path, "r+b") as file:
            file.truncate(os.path.getsize(path) // 2)
        video = VideoCache(100 * FRAME_BYTES, "pyav").open(path)
        self.assertEqual(video.codec, "mjpeg")
        self.assertEqual(read_number(video.read([5])[0]), 5)

    def test_unknown_reader(self):
        with self.assertRaisesRegex(ValueError, "reader='cv'"):
            VideoCache(0, "cv")

    def test_invalid_bytes(self):
        with self.assertRaisesRegex(ValueError, "max_bytes=-1"):
            VideoCache(-1)
