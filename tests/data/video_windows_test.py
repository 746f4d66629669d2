import tracemalloc
from unittest import mock

import numpy as np
from absl.testing import parameterized
from data.folder_test_case import FolderTestCase
from data.numbered_video import read_number
from data.numbered_video import write_folder
from data.numbered_video import write_video

from ssdet_keras.data import VideoFile
from ssdet_keras.data import VideoReadError
from ssdet_keras.data import VideoRecord
from ssdet_keras.data import VideoWindows
from ssdet_keras.data import read_whole_video
from ssdet_keras.data import stitch_windows


class VideoWindowsTest(FolderTestCase):
    def make_record(self, num_frames, shape=(40, 40)):
        path = self.make_path(f"{num_frames}.avi")
        write_video(path, num_frames, codec="MJPG", shape=shape)
        return VideoRecord("a", path)

    def read(self, windows):
        """Returns the frame numbers of each window by its start."""
        return {
            start: [read_number(frame) for frame in frames]
            for start, frames in windows
        }

    @parameterized.parameters(
        (5, {0: [0, 1, 2, 3, 4]}),
        (6, {0: [0, 1, 2, 3, 4, 5]}),
        (7, {0: [0, 1, 2, 3, 4, 5], 1: [1, 2, 3, 4, 5, 6]}),
        (10, {0: [0, 1, 2, 3, 4, 5], 4: [4, 5, 6, 7, 8, 9]}),
    )
    def test_windows(self, num_frames, expected):
        windows = VideoWindows(
            self.make_record(num_frames),
            window=6,
            overlap=2,
            frame_stride=1,
            size=40,
            crop_scale=1.0,
        )
        self.assertEqual(self.read(windows), expected)
        self.assertLen(windows, len(expected))
        self.assertEqual(windows.num_frames, num_frames)
        self.assertEqual(windows.fps, 25.0)
        # Once more, from the beginning.
        self.assertEqual(self.read(windows), expected)

    @parameterized.parameters(
        ({"frame_stride": 3}, [0, 3, 6, 9, 12, 15, 18]),
        ({"frame_rate": 10}, [0, 2, 5, 8, 10, 12, 15, 18, 20]),
        ({"frame_rate": 25}, list(range(21))),
        ({}, [0, 5, 10, 15, 20]),
    )
    def test_frame_indices(self, sampling, expected):
        record = self.make_record(21)
        arguments = {"size": 40, "crop_scale": 1.0, **sampling}
        windows = VideoWindows(record, window=4, overlap=1, **arguments)
        self.assertEqual(windows.frame_indices.tolist(), expected)
        for start, numbers in self.read(windows).items():
            self.assertEqual(numbers, expected[start : start + 4])
        frames, indices = read_whole_video(record, **arguments)
        self.assertEqual(indices.tolist(), expected)
        self.assertEqual([read_number(x) for x in frames], expected)

    def test_starts_at_multiples(self):
        windows = VideoWindows(
            self.make_record(15),
            window=8,
            overlap=4,
            frame_stride=1,
            size=40,
            crop_scale=1.0,
            multiple=4,
        )
        self.assertEqual(
            self.read(windows),
            {0: list(range(8)), 4: list(range(4, 12)), 8: list(range(8, 15))},
        )

    def test_folder(self):
        path = write_folder(self.make_path("f", "g"), 9)
        windows = VideoWindows(
            VideoRecord("g", path), window=4, frame_stride=2, overlap=0, size=16
        )
        self.assertEqual(windows.fps, 24.0)
        self.assertEqual([len(frames) for _, frames in windows], [4, 4])

    def test_paths_and_open_videos(self):
        record = self.make_record(9)
        arguments = {
            "window": 4,
            "frame_stride": 2,
            "size": 40,
            "crop_scale": 1.0,
        }
        expected = {0: [0, 2, 4, 6], 1: [2, 4, 6, 8]}
        self.assertEqual(
            self.read(VideoWindows(record.path, **arguments)), expected
        )
        with VideoFile(record.path, fps=5.0) as video:
            windows = VideoWindows(video, **arguments)
            self.assertEqual(windows.fps, 5.0)
            self.assertEqual(self.read(windows), expected)
            # It is still open.
            self.assertLen(video.read([0]), 1)

    def test_every_frame_is_decoded_once(self):
        read = VideoFile.read
        asked, counts = [], []

        def listen(video, indices, **kwargs):
            asked.extend(indices)
            counts.append(len(indices))
            return read(video, indices, **kwargs)

        windows = VideoWindows(
            self.make_record(200), window=16, overlap=5, frame_stride=3, size=8
        )
        with mock.patch.object(VideoFile, "read", listen):
            for _ in windows:
                pass
        self.assertEqual(asked, windows.frame_indices.tolist())
        self.assertEqual(max(counts), 16)

    def test_memory_is_bounded(self):
        # The video has 20 windows.
        windows = VideoWindows(
            self.make_record(200), window=10, overlap=0, frame_stride=1, size=64
        )
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for _, frames in windows:
            num_bytes = frames.nbytes
        self.assertLess(tracemalloc.get_traced_memory()[1], 4 * num_bytes)

    def test_stitched_frames(self):
        # Scores that are read from the pictures.
        windows = VideoWindows(
            self.make_record(50),
            window=8,
            overlap=3,
            frame_stride=1,
            size=40,
            crop_scale=1.0,
        )
        scores = stitch_windows(
            (start, np.array([[read_number(frame)] for frame in frames]))
            for start, frames in windows
        )
        np.testing.assert_array_equal(scores[:, 0], np.arange(50))

    def test_errors(self):
        record = self.make_record(9)
        for kwargs, message in (
            ({"size": 0}, "size=0"),
            ({"crop_scale": 1.5}, "crop_scale=1.5"),
            ({"overlap": 128}, "overlap=128, window=128"),
            ({"overlap": -1}, "overlap=-1, window=128"),
            ({"frame_stride": 0}, "frame_stride=0"),
            ({"frame_rate": -1.0}, "frame_rate=-1.0"),
            ({"frame_stride": 1, "frame_rate": 1}, "Only one"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                VideoWindows(record, **kwargs)
        with self.assertRaisesRegex(VideoReadError, "missing.mp4"):
            VideoWindows(VideoRecord("m", self.make_path("missing.mp4")))
