import os
from unittest import mock

import numpy as np
from absl.testing import parameterized
from data.folder_test_case import FolderTestCase

from ssdet_keras.data import VideoFile
from ssdet_keras.data import write_video
from ssdet_keras.data.frame_writers import has_ffmpeg

WRITERS = [False, True] if has_ffmpeg() else [False]


class WriteVideoTest(FolderTestCase):
    @parameterized.parameters(*WRITERS)
    def test_round_trip(self, uses_ffmpeg):
        path = self.make_path("a.mp4")
        frames = (np.full((32, 48, 3), 10 * i, "uint8") for i in range(20))
        with mock.patch(
            "ssdet_keras.data.frame_writers.has_ffmpeg",
            return_value=uses_ffmpeg,
        ):
            write_video(path, frames, 12.5)
        with VideoFile(path) as video:
            self.assertEqual(video.num_frames, 20)
            self.assertEqual(video.fps, 12.5)
            self.assertEqual((video.height, video.width), (32, 48))
            read = video.read(range(20))
        np.testing.assert_allclose(
            read.mean(axis=(1, 2, 3)), 10 * np.arange(20), atol=4
        )
        self.assertEqual(os.listdir(os.path.dirname(path)), ["a.mp4"])

    def test_one_frame_at_a_time(self):
        given = []

        class Writer:
            def __init__(self, *args):
                self.path = args[0]
                self.count = 0

            def __enter__(self):
                return self

            def write(self, frames):
                self.count += len(frames)
                # No frame was asked for before those before it were written.
                assert len(given) == self.count

            def __exit__(self, *error):
                open(self.path, "wb").close()

        def make_frames():
            for i in range(50):
                given.append(i)
                yield np.zeros((2, 2, 3), "uint8")

        with mock.patch("ssdet_keras.data.write_video.open_mp4_writer", Writer):
            write_video(self.make_path("a.mp4"), make_frames(), 5)
        self.assertLen(given, 50)

    def test_nothing_is_left_of_a_failure(self):
        path = self.make_path("a.mp4")

        def make_frames():
            yield np.zeros((16, 16, 3), "uint8")
            raise OSError("no more")

        with self.assertRaisesRegex(OSError, "no more"):
            write_video(path, make_frames(), 5)
        self.assertEqual(os.listdir(os.path.dirname(path)), [])

    def test_invalid_arguments(self):
        path = self.make_path("a.mp4")
        frame = np.zeros((16, 16, 3), "uint8")
        for frames, fps, message in (
            ([], 5, "must not be empty"),
            ([frame], 0, "fps=0"),
            ([frame.astype("float32")], 5, "dtype=float32"),
            ([frame[:15]], 5, r"shape=\(15, 16, 3\)"),
            ([frame[0]], 5, r"shape=\(16, 3\)"),
            ([frame, frame[:14]], 5, r"shape=\(14, 16, 3\)"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                write_video(path, frames, fps)
        with self.assertRaisesRegex(ValueError, "a.avi"):
            write_video("a.avi", [frame], 5)
        with self.assertRaises(OSError):
            write_video(
                self.make_path("none", "b", "a.mp4") + "/c.mp4", [frame], 5
            )
