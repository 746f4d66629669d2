import os
import threading

import cv2
import numpy as np
from absl.testing import parameterized
from data.folder_test_case import FolderTestCase
from data.numbered_video import number_frame
from data.numbered_video import read_number
from data.numbered_video import write_video

from ssdet_keras.data import LiveCapture
from ssdet_keras.data import VideoReadError
from ssdet_keras.data import VideoRecord
from ssdet_keras.data import VideoWindows

# Seconds after which a thread that never answers fails a test.
PATIENCE = 60


class Clock:
    """Time that passes only in `sleep()`."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Camera:
    """Gives numbered frames of 10 per second, when the test lets it."""

    def __init__(self, clock, fps=10.0, fails_at=None):
        self.clock = clock
        self.fps = fps
        self.fails_at = fails_at
        self.is_released = False
        self._number = -1
        self._allowed = threading.Semaphore(0)
        self._asked = threading.Semaphore(0)
        self._is_over = False

    def grab(self):
        self._asked.release()
        if not self._allowed.acquire(timeout=PATIENCE) or self._is_over:
            return False
        self._number += 1
        if self._number == self.fails_at:
            raise OSError("The cable is loose.")
        if self._number:
            self.clock.sleep(0.1)
        return True

    def retrieve(self):
        return True, number_frame(self._number, 40, 40)

    def get(self, prop):
        return self.fps if prop == cv2.CAP_PROP_FPS else 0.0

    def release(self):
        self.is_released = True

    def give(self, count):
        """Gives frames, and waits until they were taken."""
        for _ in range(count):
            self._allowed.release()
            # It asks for the next one when it has taken this one.
            assert self._asked.acquire(timeout=PATIENCE)

    def end(self):
        """Lets the stream end."""
        self._is_over = True
        self._allowed.release()


class LiveCaptureTest(FolderTestCase):
    def capture(self, **kwargs):
        """Returns a camera, and an entered capture of it."""
        clock = Clock()
        camera = Camera(clock, fails_at=kwargs.pop("fails_at", None))
        self.addCleanup(camera.end)
        arguments = {"window": 4, "frame_stride": 1, "size": 40, "hop": 0.0}
        capture = LiveCapture(
            camera,
            crop_scale=1.0,
            timeout=PATIENCE,
            clock=clock,
            **{**arguments, **kwargs},
        )
        capture.__enter__()
        assert camera._asked.acquire(timeout=PATIENCE)
        return camera, capture

    def numbers(self, window):
        return [read_number(frame) for frame in window.frames]

    def test_windows(self):
        camera, capture = self.capture()
        windows = iter(capture)
        for count, expected, num_new in (
            (1, [0, 0, 0, 0], 1),
            (2, [0, 0, 1, 2], 2),
            (1, [0, 1, 2, 3], 1),
            (1, [1, 2, 3, 4], 1),
        ):
            camera.give(count)
            window = next(windows)
            self.assertEqual(self.numbers(window), expected)
            self.assertEqual(window.num_new, num_new)
            np.testing.assert_allclose(window.times, np.array(expected) / 10)
            self.assertEqual(window.frames.dtype, np.uint8)

    def test_slow_model_sees_the_newest_frames(self):
        camera, capture = self.capture()
        windows = iter(capture)
        camera.give(1)
        next(windows)
        # In each pass of the model, ten frames come.
        for step in range(1, 6):
            camera.give(10)
            window = next(windows)
            newest = 10 * step
            self.assertEqual(
                self.numbers(window), list(range(newest - 3, newest + 1))
            )
            self.assertAlmostEqual(capture.time, window.times[-1])
            self.assertEqual(window.num_new, 4)
            self.assertEqual(capture.num_dropped, 6 * step)
        self.assertEqual(capture.num_captured, 51)
        self.assertEqual(capture.num_sampled, 51)

    def test_hop(self):
        camera, capture = self.capture(hop=0.5)
        newest = []
        windows = iter(capture)
        camera.give(1)
        newest.append(next(windows).times[-1])
        thread = threading.Thread(
            target=lambda: newest.append(next(windows).times[-1])
        )
        thread.start()
        camera.give(4)
        self.assertLen(newest, 1)
        camera.give(2)
        thread.join(PATIENCE)
        # The frame of 0.5 s, or the next one, whichever was there.
        self.assertIn(round(newest[1], 6), (0.5, 0.6))

    @parameterized.parameters(
        ({"frame_stride": 3}, 0.3, [0, 3, 6, 9]),
        ({"frame_stride": None, "frame_rate": 5.0}, 0.2, [2, 4, 6, 8]),
        ({"frame_stride": None, "frame_rate": 20.0}, 0.05, [7, 8, 8, 9]),
        ({"frame_stride": None}, 0.5, [0, 0, 0, 5]),
    )
    def test_sampling(self, sampling, interval, expected):
        camera, capture = self.capture(**sampling)
        camera.give(10)
        self.assertAlmostEqual(capture.interval, interval)
        self.assertEqual(self.numbers(next(iter(capture))), expected)

    def test_stream_that_ends(self):
        camera, capture = self.capture()
        windows = iter(capture)
        camera.give(2)
        camera.end()
        # What there was first.
        self.assertEqual(self.numbers(next(windows)), [0, 0, 0, 1])
        with self.assertRaisesRegex(VideoReadError, "Camera .the stream ended"):
            next(windows)
        self.assertTrue(camera.is_released)

    def test_stream_that_stalls(self):
        camera, capture = self.capture()
        capture._timeout = 0.05
        camera.give(1)
        windows = iter(capture)
        next(windows)
        with self.assertRaisesRegex(VideoReadError, "no frame came for 0.05 s"):
            next(windows)

    def test_error_of_the_source_is_raised(self):
        camera, capture = self.capture(fails_at=0)
        camera._allowed.release()
        with self.assertRaisesRegex(OSError, "The cable is loose"):
            next(iter(capture))
        self.assertTrue(camera.is_released)

    def test_leaving_closes_the_source(self):
        camera, capture = self.capture()
        camera.give(1)
        # The thread waits for a frame: it is the last one.
        threading.Timer(0.05, camera._allowed.release).start()
        capture.__exit__(None, None, None)
        self.assertTrue(camera.is_released)
        self.assertFalse(capture._thread.is_alive())

    def play(self, path, clock, **kwargs):
        """Returns the windows of a file, and the capture."""
        with LiveCapture(path, clock=clock, hop=0.0, **kwargs) as capture:
            windows = list(capture)
        return windows, capture

    def test_file_is_played_at_its_speed(self):
        path = write_video(
            self.make_path("a.avi"), 50, codec="MJPG", shape=(40, 40)
        )
        clock = Clock()
        windows, capture = self.play(
            path, clock, window=64, frame_stride=1, size=40, crop_scale=1.0
        )
        times = np.concatenate([w.times[-w.num_new :] for w in windows])
        np.testing.assert_allclose(times, np.arange(50) / 25, atol=1e-9)
        frames = np.concatenate([w.frames[-w.num_new :] for w in windows])
        self.assertEqual([read_number(f) for f in frames], list(range(50)))
        self.assertAlmostEqual(clock.now, 1000 + 49 / 25)
        self.assertEqual(capture.fps, 25)
        self.assertEqual(
            (capture.num_captured, capture.num_sampled, capture.num_dropped),
            (50, 50, 0),
        )

    def test_file_that_decodes_slowly_is_played_slowly(self):
        path = write_video(self.make_path("a.avi"), 20, codec="MJPG")

        class SlowClock(Clock):
            def monotonic(self):
                # Every look at the clock takes a tenth of a second.
                self.now += 0.1
                return self.now

            def sleep(self, seconds):
                raise AssertionError("There is nothing to wait for.")

        # Two looks for each frame, which is shown for 0.04 s.
        windows, capture = self.play(
            path, SlowClock(), window=64, frame_rate=5.0, size=8
        )
        self.assertEqual(capture.num_captured, 20)
        self.assertGreater(windows[-1].times[-1], 3.0)

    def test_frames_are_those_of_video_windows(self):
        path = write_video(self.make_path("a.avi"), 40, codec="MJPG")
        arguments = {"window": 8, "frame_stride": 5, "size": 24}
        ((_, expected),) = VideoWindows(
            VideoRecord("a", path), overlap=0, **arguments
        )
        windows, _ = self.play(path, Clock(), **arguments)
        np.testing.assert_array_equal(windows[-1].frames, expected)

    def test_sources_that_cannot_be_opened(self):
        broken = self.write("no video", "broken.mp4")
        for source, message in (
            (self.make_path("none.mp4"), "none.mp4 .there is no such file"),
            (self.folder, "there is no such file"),
            (broken, "broken.mp4 .it can't be opened"),
            (99, "camera 99 .it can't be opened"),
            ("rtsp://localhost:1/none", "localhost:1/none .it can't be opened"),
        ):
            with (
                self.subTest(source=source),
                self.assertRaisesRegex(VideoReadError, message),
            ):
                LiveCapture(source, timeout=1.0)

    def test_camera_without_a_frame_rate(self):
        for fps in (0.0, -1.0, float("nan"), 90000.0):
            camera = Camera(Clock(), fps)
            self.assertEqual(LiveCapture(camera, frame_rate=2.0).interval, 0.5)
            with self.assertRaisesRegex(
                ValueError, "`frame_rate` must.*Camera"
            ):
                LiveCapture(camera, frame_stride=2)

    def test_errors(self):
        path = write_video(self.make_path("a.avi"), 3, codec="MJPG")
        for kwargs, message in (
            ({"window": 0}, "window=0"),
            ({"size": 0}, "size=0"),
            ({"crop_scale": 0.0}, "crop_scale=0.0"),
            ({"hop": -1.0}, "hop=-1.0"),
            ({"timeout": 0.0}, "timeout=0.0"),
            ({"frame_stride": 1, "frame_rate": 1}, "Only one"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                LiveCapture(os.fspath(path), **kwargs)
