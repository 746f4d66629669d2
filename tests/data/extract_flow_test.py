import os
from unittest import mock

import cv2
import numpy as np
from absl.testing import parameterized
from data.folder_test_case import FolderTestCase
from data.numbered_video import write_video

from ssdet_keras.data import VideoFile
from ssdet_keras.data import VideoReadError
from ssdet_keras.data import compute_flow
from ssdet_keras.data import decode_flow
from ssdet_keras.data import encode_flow
from ssdet_keras.data import extract_flow
from ssdet_keras.data import frame_writers

# Of 255 steps from -20 to 20 pixels.
STEP = 40 / 255
WRITERS = ("ffmpeg", "opencv")


def make_texture(height, width, seed=0):
    """Returns a grey picture of blobs."""
    noise = np.random.default_rng(seed).standard_normal((height, width))
    blobs = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(128 + 60 * blobs / blobs.std(), 0, 255).astype("uint8")


def make_moving_frames(steps, height=96, width=128):
    """Returns RGB frames of a texture that moves by integer steps `(x, y)`."""
    texture = make_texture(height + 80, width + 80)
    x, y = 40, 40
    frames = []
    for step in [(0, 0), *steps]:
        # What moves to the right shows what was on the left.
        x, y = x - step[0], y - step[1]
        frames.append(texture[y : y + height, x : x + width])
    return np.repeat(np.stack(frames)[..., None], 3, axis=-1)


class FlowTest(FolderTestCase):
    def write_lossless(self, frames, fps=25.0):
        path = self.make_path("source.mkv")
        height, width = frames.shape[1:3]
        with frame_writers.OpenCVWriter(
            path, fps, height, width, codec="FFV1"
        ) as writer:
            writer.write(frames)
        return path

    def extract(self, writer, source, **kwargs):
        """Returns the path of the flow, by one of the writers."""
        if writer == "ffmpeg" and not frame_writers.has_ffmpeg("libx264rgb"):
            self.skipTest("ffmpeg with libx264rgb is not installed.")
        target = self.make_path(writer, "flow.mkv")
        with mock.patch(
            "ssdet_keras.data.frame_writers.has_ffmpeg",
            return_value=writer == "ffmpeg",
        ):
            num_frames = extract_flow(source, target, **kwargs)
        with VideoFile(target) as video:
            self.assertEqual(video.num_frames, num_frames)
        # Nothing else is left there.
        self.assertEqual(os.listdir(self.make_path(writer, "")), ["flow.mkv"])
        return target

    def test_known_motion(self):
        steps = [(2, 0), (0, 3), (-4, 1), (0, 0), (6, -5)]
        flows = list(compute_flow(make_moving_frames(steps)))
        # The last frame is as the one before it.
        self.assertLen(flows, 6)
        np.testing.assert_array_equal(flows[5], flows[4])
        for flow, step in zip(flows, steps, strict=False):
            self.assertEqual(
                (flow.shape, flow.dtype), ((96, 128, 2), "float32")
            )
            inside = flow[16:-16, 16:-16]
            np.testing.assert_allclose(inside.mean((0, 1)), step, atol=0.1)
            self.assertLess(np.abs(inside - step).max(), 0.5)

    def test_videos_of_few_frames(self):
        self.assertEqual(list(compute_flow([])), [])
        (flow,) = compute_flow(make_moving_frames([]))
        np.testing.assert_array_equal(flow, np.zeros((96, 128, 2)))

    def test_pictures(self):
        flow = [[0, 0], [20, -20], [25, -1000], [STEP, -3 * STEP]]
        np.testing.assert_array_equal(
            encode_flow(flow),
            [[128, 128, 128], [255, 0, 128], [255, 0, 128], [128, 124, 128]],
        )
        np.testing.assert_allclose(
            decode_flow(np.array([[0, 255, 7], [128, 127, 0]], "uint8")),
            [[-20, 20], [STEP / 2, -STEP / 2]],
            atol=1e-5,
        )

    def test_pictures_are_exact_up_to_half_a_step(self):
        flow = np.random.default_rng(0).uniform(-20, 20, (3, 50, 4, 2))
        pictures = encode_flow(flow.astype("float32"))
        self.assertEqual(
            (pictures.dtype, pictures.shape), ("uint8", (3, 50, 4, 3))
        )
        error = np.abs(decode_flow(pictures) - flow)
        self.assertLess(error.max(), STEP / 2 + 1e-4)
        self.assertGreater(error.max(), 0.9 * STEP / 2)
        # The model's first layer gives what it does of flow in [-1, 1].
        np.testing.assert_array_equal(
            encode_flow(decode_flow(pictures)), pictures
        )

    @parameterized.parameters(*WRITERS)
    def test_video_of_flow(self, writer):
        fps = 30000 / 1001
        steps = [(2, 1)] * 40 + [(-3, 2)] * 39
        frames = make_moving_frames([(0, 0)] * 79)
        texture = make_texture(300, 400)
        x, y = 150, 0
        for index, (right, down) in enumerate([(0, 0), *steps]):
            x, y = x - right, y + 180 * (index == 0) - down
            frames[index] = texture[y : y + 96, x : x + 128, None]
        source = self.write_lossless(frames, fps)
        target = self.extract(writer, source)
        expected = list(compute_flow(frames))
        with VideoFile(target) as video:
            self.assertEqual(video.num_frames, 80)
            self.assertAlmostEqual(video.fps, fps, places=2)
            pictures = video.read(range(80))
            for index in (79, 3, 40, 16, 39, 0):
                np.testing.assert_array_equal(
                    video.read([index])[0], pictures[index]
                )
        error = np.abs(decode_flow(pictures) - expected)
        self.assertLess(error.mean(), STEP)
        if writer == "opencv":
            np.testing.assert_array_equal(pictures, encode_flow(expected))
        np.testing.assert_allclose(
            decode_flow(pictures)[:, 20:-20, 20:-20].mean((1, 2)),
            [*steps, steps[-1]],
            atol=0.2,
        )

    def test_size_and_frame_rate(self):
        source = write_video(self.make_path("a.avi"), 3, codec="MJPG")
        target = self.extract("opencv", source, short_side=16, fps=10.0)
        with VideoFile(target) as video:
            self.assertEqual((video.height, video.width), (16, 32))
            self.assertEqual(video.fps, 10.0)
            self.assertEqual(video.codec.lower(), "ffv1")
        # Never enlarged.
        with VideoFile(self.extract("opencv", source)) as video:
            self.assertEqual((video.height, video.width), (32, 64))

    @parameterized.parameters(*WRITERS)
    def test_bad_video_leaves_nothing(self, writer):
        path = write_video(self.make_path("a.avi"), 60, codec="MJPG")
        os.truncate(path, os.path.getsize(path) // 2)
        with self.assertRaisesRegex(VideoReadError, "60 frames, of which only"):
            self.extract(writer, path)
        self.assertEqual(os.listdir(self.make_path(writer, "")), [])

    def test_frames_that_are_too_small(self):
        path = write_video(
            self.make_path("a.avi"), 2, codec="MJPG", shape=(8, 32)
        )
        with self.assertRaisesRegex(
            VideoReadError, "of 8 x 32 pixels are too small for optical flow"
        ):
            self.extract("opencv", path)

    @parameterized.parameters(
        ({"short_side": 14}, "short_side=14"),
        ({"short_side": 33}, "short_side=33"),
        ({"target": "flow.mp4"}, r"must end in .mkv. .*flow.mp4"),
    )
    def test_invalid_arguments(self, kwargs, message):
        kwargs = {"source": "a.mp4", "target": "a.mkv", **kwargs}
        with self.assertRaisesRegex(ValueError, message):
            extract_flow(**kwargs)
