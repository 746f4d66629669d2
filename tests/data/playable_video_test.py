import os
import unittest
from unittest import mock

import numpy as np
from absl.testing import parameterized
from data.encoded_video import encode_video
from data.folder_test_case import FolderTestCase
from data.numbered_video import read_number
from data.numbered_video import write_folder
from data.numbered_video import write_video

from ssdet_keras.data import VideoFile
from ssdet_keras.data import VideoReadError
from ssdet_keras.data import frame_writers
from ssdet_keras.data import read_playable_video


class PlayableVideoTest(FolderTestCase):
    def read(self, path, writer="opencv", max_bytes=50_000_000, fps=None):
        if writer == "ffmpeg" and not frame_writers.has_ffmpeg():
            raise unittest.SkipTest("ffmpeg with libx264 is not installed.")
        with (
            VideoFile(path, fps=fps) as video,
            mock.patch(
                "ssdet_keras.data.playable_video.has_ffmpeg",
                return_value=writer == "ffmpeg",
            ),
        ):
            return read_playable_video(video, max_bytes)

    @parameterized.parameters(
        ("a.mp4", "libx264", "video/mp4"),
        ("a.MOV", "libx264", "video/mp4"),
        ("a.webm", "libvpx-vp9", "video/webm"),
        # Of frames in another order than the packets.
        ("b.mp4", "libx264 -bf 3 -g 50", "video/mp4"),
    )
    def test_what_browsers_play_is_taken_as_it_is(self, name, codec, expected):
        path = encode_video(
            self.make_path(name), 60, "-c:v", *codec.split(), fps=12
        )
        playable = self.read(path)
        self.assertEqual(playable[:2], (path, expected))
        self.assertFalse(playable.is_copy)
        with open(path, "rb") as file:
            self.assertEqual(playable.content, file.read())

    @parameterized.product(
        writer=("ffmpeg", "opencv"),
        source=(("mp4v", "a.mp4"), ("MJPG", "a.avi"), ("XVID", "a.mkv"), None),
    )
    def test_copy_has_the_same_frames_at_their_times(self, writer, source):
        # More than are read at once.
        fps = 12.5
        if source is None:
            path = write_folder(self.make_path("a"), 70)
        else:
            path = write_video(
                self.make_path(source[1]), 70, fps=fps, codec=source[0]
            )
        playable = self.read(path, writer, fps=fps)
        expected = {"ffmpeg": "video/mp4", "opencv": "video/webm"}[writer]
        self.assertEqual(playable.media_type, expected)
        self.assertTrue(playable.is_copy)
        copy = self.make_path("copy." + expected.removeprefix("video/"))
        with open(copy, "wb") as file:
            file.write(playable.content)
        with VideoFile(copy) as video:
            self.assertAlmostEqual(video.fps, fps)
            frames = video.read(range(video.num_frames))
        self.assertEqual([read_number(f) for f in frames], list(range(70)))

    def test_copy_is_small(self):
        path = write_video(
            self.make_path("a.avi"), 3, codec="MJPG", shape=(400, 900)
        )
        with open(self.make_path("copy.webm"), "wb") as file:
            file.write(self.read(path).content)
        with VideoFile(self.make_path("copy.webm")) as video:
            self.assertEqual((video.height, video.width), (360, 810))

    def test_varying_frame_rate_is_made_regular(self):
        # Frame i at 2^(i / 12) - 1 s.
        path = encode_video(
            self.make_path("a.mp4"),
            30,
            *("-c:v", "libx264", "-vsync", "vfr"),
            *("-vf", "setpts=(pow(2\\,N/12)-1)/TB"),
        )
        with VideoFile(path) as video:
            expected = 2 ** (np.arange(30) / 12) - 1
            np.testing.assert_allclose(video.times, expected, atol=0.05)
            fps = video.fps
        linked = self.read(path, max_bytes=100)
        self.assertEqual(linked, (path, "video/mp4", None, False, False))
        playable = self.read(path)
        self.assertTrue(playable.is_copy)
        self.assertTrue(playable.is_regular)
        with open(self.make_path("copy.webm"), "wb") as file:
            file.write(playable.content)
        with VideoFile(self.make_path("copy.webm")) as video:
            self.assertAlmostEqual(video.fps, fps, places=1)
            frames = video.read(range(30))
        self.assertEqual([read_number(f) for f in frames], list(range(30)))

    @parameterized.parameters("ffmpeg", "opencv")
    def test_too_large(self, writer):
        path = encode_video(self.make_path("a.mp4"), 70, "-c:v", "libx264")
        playable = self.read(path, writer, max_bytes=100)
        self.assertEqual(playable, (path, "video/mp4", None, False, True))
        path = write_video(self.make_path("b.avi"), 70, codec="MJPG")
        playable = self.read(path, writer, max_bytes=100)
        self.assertEqual(playable, (path, None, None, False, True))

    def test_too_large_a_file_may_have_a_small_copy(self):
        path = encode_video(
            self.make_path("a.mp4"), 70, "-c:v", "libx264", "-qp", "0"
        )
        size = os.path.getsize(path)
        playable = self.read(path, "ffmpeg", max_bytes=size - 1)
        self.assertTrue(playable.is_copy)
        self.assertLess(len(playable.content), size)

    def test_errors(self):
        path = write_video(self.make_path("a.avi"), 60, codec="MJPG")
        with self.assertRaisesRegex(ValueError, "positive.*max_bytes=0"):
            self.read(path, max_bytes=0)
        os.truncate(path, os.path.getsize(path) // 2)
        with self.assertRaisesRegex(VideoReadError, "60 frames, of which only"):
            self.read(path)


class TimesTest(FolderTestCase):
    @parameterized.product(
        reader=("opencv", "pyav"), name=("a.mp4", "a.mkv", "a.webm")
    )
    def test_times(self, reader, name):
        codec = "libvpx-vp9" if name == "a.webm" else "libx264"
        path = encode_video(self.make_path(name), 20, "-c:v", codec, fps=8)
        with VideoFile(path, reader=reader) as video:
            np.testing.assert_allclose(
                video.times, np.arange(20) / 8, atol=1e-3
            )
            video.load()
            self.assertLen(video.times, 20)

    def test_unknown_times(self):
        path = write_folder(self.make_path("a"), 3)
        self.assertIsNone(VideoFile(path).times)
        path = write_video(self.make_path("a.webm"), 9, codec="VP80")
        self.assertIsNone(VideoFile(path).times)
