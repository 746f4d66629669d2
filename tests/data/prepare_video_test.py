import os
import shutil
import subprocess
import unittest
from unittest import mock

import numpy as np
from absl.testing import parameterized
from data.folder_test_case import FolderTestCase
from data.numbered_video import HEIGHT
from data.numbered_video import WIDTH
from data.numbered_video import read_number
from data.numbered_video import write_folder
from data.numbered_video import write_video

from ssdet_keras.data import VideoFile
from ssdet_keras.data import VideoReadError
from ssdet_keras.data import frame_writers
from ssdet_keras.data import prepare_video

WRITERS = ("ffmpeg", "opencv", "frames")


def needs_ffmpeg():
    if not frame_writers.has_ffmpeg():
        raise unittest.SkipTest("ffmpeg with libx264 is not installed.")


class PrepareVideoTest(FolderTestCase):
    def prepare(self, writer, source, **kwargs):
        """Returns the path of the copy, by one of the writers."""
        if writer == "ffmpeg":
            needs_ffmpeg()
        format, name = ("mp4", "a.mp4")
        if writer == "frames":
            format, name = ("frames", "a")
        target = self.make_path(writer, name)
        with mock.patch(
            "ssdet_keras.data.frame_writers.has_ffmpeg",
            return_value=writer == "ffmpeg",
        ):
            num_frames = prepare_video(source, target, format=format, **kwargs)
        with VideoFile(target) as video:
            self.assertEqual(num_frames, video.num_frames)
        # Nothing else is left there.
        self.assertEqual(os.listdir(self.make_path(writer, "")), [name])
        return target

    @parameterized.product(
        writer=WRITERS,
        source=(("mp4v", "a.mp4"), ("MJPG", "a.avi"), ("XVID", "a.mkv")),
    )
    def test_same_frames_in_order(self, writer, source):
        codec, name = source
        fps = 30000 / 1001
        # More than are read at once.
        path = write_video(
            self.make_path(name), 150, fps=fps, codec=codec, shape=(64, 132)
        )
        target = self.prepare(writer, path, short_side=32)
        with VideoFile(target, fps=fps) as video:
            self.assertEqual((video.height, video.width), (32, 66))
            numbers = [read_number(f) for f in video.read(range(150))]
        self.assertEqual(numbers, list(range(150)))
        if writer != "frames":
            with VideoFile(target) as video:
                self.assertAlmostEqual(video.fps, fps, places=2)

    @parameterized.parameters(*WRITERS)
    def test_pixels_are_those_of_the_source(self, writer):
        path = write_video(self.make_path("a.avi"), 3, codec="MJPG")
        target = self.prepare(writer, path)
        with VideoFile(path) as source, VideoFile(target) as copy:
            np.testing.assert_allclose(
                copy.read(range(3)).mean((1, 2)),
                source.read(range(3)).mean((1, 2)),
                atol=3,
            )
            # Never enlarged.
            self.assertEqual((copy.height, copy.width), (HEIGHT, WIDTH))

    @parameterized.parameters(*WRITERS)
    def test_odd_sizes_become_even(self, writer):
        path = write_folder(self.make_path("a"), 2)
        import cv2

        for name in os.listdir(path):
            file = os.path.join(path, name)
            cv2.imwrite(file, cv2.imread(file)[:31, :63])
        with VideoFile(self.prepare(writer, path)) as video:
            self.assertEqual((video.height, video.width), (32, 64))
            self.assertEqual(
                [read_number(f) for f in video.read([0, 1])], [0, 1]
            )

    def test_rotation_is_applied(self):
        needs_ffmpeg()
        path = write_video(self.make_path("a.mp4"), 5)
        turned = self.make_path("turned.mp4")
        command = ["ffmpeg", "-v", "error", "-i", path, "-c", "copy"]
        command += ["-metadata:s:v:0", "rotate=90", turned]
        subprocess.run(command, check=True)
        with VideoFile(turned) as source:
            expected = source.read([4])[0]
        self.assertEqual(expected.shape, (WIDTH, HEIGHT, 3))
        for writer in WRITERS:
            with VideoFile(self.prepare(writer, turned)) as copy:
                self.assertEqual(copy.rotation, 0)
                error = np.abs(copy.read([4])[0].astype(int) - expected)
                self.assertLess(error.mean(), 6)

    def test_key_frames(self):
        needs_ffmpeg()
        if shutil.which("ffprobe") is None:
            raise unittest.SkipTest("The program ffprobe is not installed.")
        path = write_video(self.make_path("a.mp4"), 40)
        target = self.prepare("ffmpeg", path, key_frame_interval=8)
        command = ["ffprobe", "-v", "error", "-select_streams", "v:0"]
        command += ["-show_entries", "frame=key_frame", "-of", "csv=p=0"]
        result = subprocess.run(
            [*command, target], capture_output=True, text=True, check=True
        )
        flags = [line.strip(",") for line in result.stdout.split()]
        self.assertEqual(
            [i for i, f in enumerate(flags) if f == "1"], [*range(0, 40, 8)]
        )

    def test_names_and_frame_rate_of_a_folder(self):
        path = write_video(self.make_path("7UPGT.mp4"), 3, fps=12.5)
        target = self.make_path("small", "7UPGT")
        prepare_video(path, target, format="frames")
        self.assertEqual(
            sorted(os.listdir(target)),
            [
                "7UPGT-000001.jpg",
                "7UPGT-000002.jpg",
                "7UPGT-000003.jpg",
                "fps.txt",
            ],
        )
        with open(os.path.join(target, "fps.txt")) as file:
            self.assertEqual(file.read(), "12.5\n")

    @parameterized.parameters(*WRITERS)
    def test_frame_rate_of_the_source(self, writer):
        path = write_folder(self.make_path("a"), 4)
        target = self.prepare(writer, path, fps=10.0)
        if writer != "frames":
            with VideoFile(target) as video:
                self.assertEqual(video.fps, 10.0)

    @parameterized.parameters(*WRITERS)
    def test_bad_video_leaves_nothing(self, writer):
        path = write_video(self.make_path("a.avi"), 60, codec="MJPG")
        os.truncate(path, os.path.getsize(path) // 2)
        with self.assertRaisesRegex(VideoReadError, "60 frames, of which only"):
            self.prepare(writer, path)
        self.assertEqual(os.listdir(self.make_path(writer, "")), [])
        self.touch("b.mp4")
        with self.assertRaisesRegex(VideoReadError, "the file is empty"):
            self.prepare(writer, self.make_path("b.mp4"))

    def test_writer_that_fails(self):
        needs_ffmpeg()
        path = write_video(self.make_path("a.mp4"), 200, shape=(256, 256))
        with (
            mock.patch(
                "ssdet_keras.data.prepare_video.small_size",
                return_value=(255, 256),
            ),
            self.assertRaisesRegex(OSError, "ffmpeg failed: .*"),
        ):
            self.prepare("ffmpeg", path)
        with self.assertRaises(OSError):
            prepare_video(path, self.make_path("none") + "/none/a.mp4")
        with (
            mock.patch("cv2.VideoWriter.isOpened", return_value=False),
            self.assertRaisesRegex(OSError, "OpenCV cannot write"),
        ):
            frame_writers.OpenCVWriter(self.make_path("a.mp4"), 25.0, 32, 32)

    @parameterized.parameters(
        (None, "", False),
        ("/bin/ffmpeg", " V....D mpeg4", False),
        ("/bin/ffmpeg", " V....D libx264  H.264", True),
    )
    def test_has_ffmpeg(self, program, encoders, expected):
        frame_writers.has_ffmpeg.cache_clear()
        self.addCleanup(frame_writers.has_ffmpeg.cache_clear)
        with (
            mock.patch("shutil.which", return_value=program),
            mock.patch(
                "subprocess.run", return_value=mock.Mock(stdout=encoders)
            ),
        ):
            self.assertEqual(frame_writers.has_ffmpeg(), expected)

    @parameterized.parameters(
        ({"short_side": 255}, "short_side=255"),
        ({"short_side": 0}, "short_side=0"),
        ({"format": "webm"}, "format='webm'"),
        ({"key_frame_interval": 0}, "key_frame_interval=0"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            prepare_video("a.mp4", "b.mp4", **kwargs)
