import os
import pickle

import cv2
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


class VideoFileTest(FolderTestCase):
    @parameterized.parameters(
        ("mp4v", "a.mp4"),
        ("MJPG", "a.avi"),
        ("XVID", "a.avi"),
        ("XVID", "a.mkv"),
        ("VP80", "a.webm"),
    )
    def test_exact_frames(self, codec, name):
        path = write_video(self.make_path(name), 90, fps=25.0, codec=codec)
        video = VideoFile(path)
        self.assertEqual(video.num_frames, 90)
        self.assertEqual((video.height, video.width), (HEIGHT, WIDTH))
        self.assertAlmostEqual(video.fps, 25.0)
        self.assertAlmostEqual(video.duration, 3.6)

        everything = video.read(range(90))
        self.assertEqual(everything.dtype, np.uint8)
        self.assertEqual(everything.shape, (90, HEIGHT, WIDTH, 3))
        self.assertEqual([read_number(f) for f in everything], list(range(90)))

        rng = np.random.default_rng(0)
        for _ in range(5):
            indices = rng.integers(0, 90, size=7)
            frames = video.read(indices)
            np.testing.assert_array_equal(frames, everything[indices])

    def test_order_and_repetitions(self):
        video = VideoFile(write_video(self.make_path("a.mp4"), 20))
        frames = video.read([7, 0, 19, 7, 7])
        self.assertEqual([read_number(f) for f in frames], [7, 0, 19, 7, 7])
        self.assertEqual(video.read([]).shape, (0, HEIGHT, WIDTH, 3))

    def test_channels_are_rgb(self):
        path = self.make_path("a.avi")
        writer = cv2.VideoWriter(
            path, cv2.VideoWriter_fourcc(*"MJPG"), 25, (32, 32)
        )
        writer.write(np.full((32, 32, 3), (0, 0, 255), "uint8"))
        writer.release()
        pixel = VideoFile(path).read([0])[0, 16, 16].astype(int)
        np.testing.assert_allclose(pixel, [255, 0, 0], atol=8)

    def test_folder_of_frames(self):
        path = write_folder(self.make_path("7UPGT"), 12, digits=1)
        video = VideoFile(path)
        self.assertEqual((video.num_frames, video.fps), (12, 24.0))
        self.assertEqual(video.duration, 0.5)
        numbers = [read_number(f) for f in video.read([11, 1, 1, 9])]
        self.assertEqual(numbers, [11, 1, 1, 9])
        self.assertEqual(VideoFile(path, fps=12).duration, 1.0)

    def test_box_and_size(self):
        video = VideoFile(write_video(self.make_path("a.avi"), 3, codec="MJPG"))
        whole = video.read([2])
        box = video.read([2], box=(4, 10, 16, 20))
        np.testing.assert_array_equal(box, whole[:, 4:20, 10:30])
        np.testing.assert_array_equal(
            video.read([2], box=(4, 10, 16, 20), size=(16, 20)), box
        )
        # Shrinking by two averages two by two pixels.
        shrunk = video.read([2], size=(HEIGHT // 2, WIDTH // 2))
        mean = whole.reshape(1, HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean((2, 4))
        np.testing.assert_allclose(shrunk, mean, atol=1)
        self.assertEqual(video.read([0], size=(50, 90)).shape[1:3], (50, 90))

    def test_load(self):
        path = write_video(self.make_path("a.mp4"), 10)
        video = VideoFile(path)
        before = video.read([3, 9, 0], size=(20, 20), box=(2, 2, 28, 28))
        video.load()
        os.remove(path)
        after = video.read([3, 9, 0], size=(20, 20), box=(2, 2, 28, 28))
        np.testing.assert_array_equal(after, before)
        self.assertEqual((video.num_frames, video.fps), (10, 25.0))

    def test_blocks(self):
        video = VideoFile(write_video(self.make_path("a.mp4"), 10))
        blocks = list(video.read_blocks(4, size=(20, 30)))
        self.assertEqual([len(block) for block in blocks], [4, 4, 2])
        np.testing.assert_array_equal(
            np.concatenate(blocks), video.read(range(10), size=(20, 30))
        )

    def test_past_end(self):
        video = VideoFile(write_video(self.make_path("a.mp4"), 5))
        with self.assertRaisesRegex(VideoReadError, "frame 5 .* 5 frames"):
            video.read([0, 5])
        frames = video.read([3, 4, 5, 99], past_end="repeat")
        self.assertEqual([read_number(f) for f in frames], [3, 4, 4, 4])

    def test_truncated(self):
        path = write_video(self.make_path("a.avi"), 60, codec="MJPG")
        with open(path, "rb") as file:
            content = file.read()
        with open(path, "wb") as file:
            file.write(content[: len(content) // 2])
        video = VideoFile(path)
        self.assertEqual(read_number(video.read([3])[0]), 3)
        with self.assertRaises(VideoReadError) as caught:
            video.read(range(video.num_frames))
        self.assertEqual(caught.exception.path, path)
        self.assertRegex(caught.exception.reason, "60 frames, of which only")
        with self.assertRaises(VideoReadError):
            video.load()

    def test_facts(self):
        path = write_video(self.make_path("a.avi"), 60, codec="MJPG")
        video = VideoFile(path)
        self.assertEqual((video.codec, video.rotation), ("MJPG", 0))
        self.assertEqual(video.header_num_frames, 60)
        self.assertEqual(video.count_decodable_frames(), 60)
        # Frames can be read before and after.
        self.assertEqual(read_number(video.read([7])[0]), 7)
        self.assertEqual(video.count_decodable_frames(), 60)
        video.load()
        self.assertEqual((video.codec, video.rotation), ("MJPG", 0))
        self.assertEqual(video.count_decodable_frames(), 60)

        with open(path, "rb+") as file:
            file.truncate(os.path.getsize(path) // 2)
        self.assertBetween(VideoFile(path).count_decodable_frames(), 20, 40)

        path = write_folder(self.make_path("frames"), 3)
        video = VideoFile(path)
        self.assertEqual((video.codec, video.rotation), ("frames", 0))
        self.assertEqual(video.header_num_frames, 3)
        self.touch("frames", "frames-000002.jpg")
        self.assertEqual(video.count_decodable_frames(), 2)

    @parameterized.named_parameters(
        ("missing", None, "No such file"),
        ("empty", b"", "the file is empty"),
        ("noise", bytes(range(256)) * 40, "holds no video"),
    )
    def test_unreadable_file(self, content, reason):
        path = self.make_path("a.mp4")
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        with self.assertRaisesRegex(VideoReadError, reason) as caught:
            VideoFile(path)
        self.assertEqual(caught.exception.path, path)
        self.assertIn(path, str(caught.exception))

    def test_unreadable_folder(self):
        path = self.make_path("frames")
        os.makedirs(path)
        with self.assertRaisesRegex(VideoReadError, "no JPEG"):
            VideoFile(path)
        path = write_folder(self.make_path("other"), 3)
        with open(os.path.join(path, "other-000002.jpg"), "wb"):
            pass
        with self.assertRaisesRegex(VideoReadError, "other-000002.jpg"):
            VideoFile(path).read([0, 1])

    @parameterized.named_parameters(
        ("negative", {"indices": [-1]}, "not be negative. Received: -1"),
        ("float", {"indices": [0.5]}, "sequence of integers"),
        ("rank", {"indices": [[0]]}, "sequence of integers"),
        ("box", {"indices": [0], "box": (0, 0, 33, 8)}, "32 x 64 pixels"),
        ("size", {"indices": [0], "size": (0, 8)}, r"size=\(0, 8\)"),
        ("past", {"indices": [0], "past_end": "loop"}, "past_end='loop'"),
    )
    def test_invalid_arguments(self, kwargs, message):
        video = VideoFile(write_video(self.make_path("a.mp4"), 3))
        with self.assertRaisesRegex(ValueError, message):
            video.read(**kwargs)

    def test_invalid_fps(self):
        with self.assertRaisesRegex(ValueError, "fps=-1"):
            VideoFile("a.mp4", fps=-1)

    def test_error_survives_pickling(self):
        error = pickle.loads(pickle.dumps(VideoReadError("a.mp4", "empty")))
        self.assertEqual((error.path, error.reason), ("a.mp4", "empty"))
