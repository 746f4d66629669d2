import copy
import os
import pickle

import cv2
import numpy as np
import pytest
from absl.testing import parameterized
from data.folder_test_case import FolderTestCase
from data.numbered_video import number_frame
from data.numbered_video import read_number
from data.numbered_video import write_video

from ssdet_keras.data import ClipSource
from ssdet_keras.data import VideoReadError
from ssdet_keras.data import VideoRecord
from ssdet_keras.data import VideoRecords
from ssdet_keras.data import decode_flow
from ssdet_keras.data import read_whole_video


class ClipSourceTest(FolderTestCase):
    def make_records(self, *lengths, segments=((0, 0.0, float("inf")),)):
        records = [
            VideoRecord(
                id=str(i),
                path=write_video(
                    self.make_path(f"{i}_{length}.mp4"), length, shape=(40, 80)
                ),
                segments=segments,
            )
            for i, length in enumerate(lengths)
        ]
        return VideoRecords(records, ["a", "b", "c"])

    def read_numbers(self, clip):
        return [read_number(frame) for frame in clip["videos"]]

    def test_evaluation_clip(self):
        # Frames 24 to 56 at 25 fps; the class "b" from 1.2 s to 1.84 s is in
        # frames 30 to 46, both included.
        records = self.make_records(
            81, segments=((1, 1.2, 1.84), (2, 0.0, 0.5))
        )
        source = ClipSource(
            records,
            num_frames=5,
            frame_stride=8,
            size=40,
            training=False,
            crop_scale=(1.0, 1.0),
        )
        clip = source[0]
        self.assertEqual(clip["videos"].shape, (5, 40, 40, 3))
        self.assertEqual(clip["videos"].dtype, np.uint8)
        self.assertEqual(clip["labels"].dtype, np.float32)
        np.testing.assert_array_equal(
            clip["labels"],
            [[0, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]],
        )
        np.testing.assert_array_equal(clip["mask"], [1, 1, 1, 1, 1])

        frames, indices = read_whole_video(
            records[0], frame_stride=8, size=40, crop_scale=1.0
        )
        self.assertEqual(indices.tolist(), list(range(0, 81, 8)))
        np.testing.assert_array_equal(clip["videos"], frames[3:8])

    def test_short_video(self):
        # Frames 0, 4, 8 are there; frames 12 and 16 are not.
        source = ClipSource(
            self.make_records(10), num_frames=5, frame_stride=4, size=32
        )
        clip = source[0]
        np.testing.assert_array_equal(clip["mask"], [1, 1, 1, 0, 0])
        np.testing.assert_array_equal(clip["labels"][:, 0], [1, 1, 1, 0, 0])
        videos = clip["videos"]
        np.testing.assert_array_equal(videos[3], videos[4])
        self.assertGreater(np.abs(videos[3].astype(int) - videos[2]).max(), 50)

    def test_training_draws(self):
        # With the whole frame as the crop, the frame numbers can be read.
        records = [
            VideoRecord("square", self.make_path("square.avi"), segments=())
        ]
        write_video(records[0].path, 60, codec="MJPG", shape=(40, 40))
        source = ClipSource(
            records,
            num_frames=4,
            frame_stride=5,
            size=40,
            crop_scale=(1, 1),
            horizontal_flip=False,
            num_classes=3,
        )
        starts = set()
        for epoch in range(300):
            source.set_epoch(epoch)
            numbers = self.read_numbers(source[0])
            starts.add(numbers[0])
            self.assertEqual(np.diff(numbers).tolist(), [5, 5, 5])
        # Every start from 0 to 60 - 16 is drawn: each is missed with
        # probability (44 / 45) ** 300 = 0.1 %.
        self.assertContainsSubset(starts, set(range(45)))
        self.assertGreaterEqual(len(starts), 42)

    @parameterized.parameters(24.0, 25.0, 30000 / 1001, 30.0)
    def test_frame_rate(self, fps):
        # The class is there from 1 s to 2 s; the crop is the whole frame.
        path = write_video(self.make_path("a.avi"), 97, fps, "MJPG", (40, 40))
        records = [VideoRecord("a", path, segments=((0, 1.0, 2.0),))]
        source = ClipSource(
            records,
            num_frames=7,
            frame_rate=2.4,
            size=40,
            crop_scale=(1, 1),
            horizontal_flip=False,
            num_classes=1,
        )
        for epoch in range(20):
            clip = source.get_clip(epoch, 0)
            numbers = np.array(self.read_numbers(clip))
            expected = [round(k * fps / 2.4) for k in range(7)]
            np.testing.assert_array_equal(numbers - numbers[0], expected)
            # Six steps of 1 / 2.4 s, up to half a frame.
            duration = (numbers[-1] - numbers[0]) / fps
            self.assertLessEqual(abs(duration - 2.5), 0.5 / fps + 1e-9)
            times = numbers / fps
            np.testing.assert_array_equal(
                clip["labels"][:, 0], (times >= 1) & (times <= 2)
            )
            np.testing.assert_array_equal(clip["mask"], np.ones(7))

    def test_rate_of_short_and_slow_videos(self):
        # At 25 fps and 10 per second: frames 0, 2, 5, 8, 10, 12.
        arguments = {"frame_rate": 10, "size": 16, "num_frames": 6}
        for length, expected in ((13, 6), (12, 5), (6, 3), (1, 1)):
            source = ClipSource(self.make_records(length), **arguments)
            mask = np.arange(6) < expected
            for epoch in range(3):
                np.testing.assert_array_equal(
                    source.get_clip(epoch, 0)["mask"], mask
                )
        # A higher rate than that of the video shows frames twice.
        source = ClipSource(
            self.make_records(9), frame_rate=50, size=16, training=False
        )
        videos = source[0]["videos"]
        np.testing.assert_array_equal(videos[3], videos[4])
        self.assertEqual(source[0]["mask"].sum(), 16)

    def test_several_clips_of_each_video(self):
        path = write_video(self.make_path("a.avi"), 60, 25, "MJPG", (40, 40))
        records = [VideoRecord("a", path), VideoRecord("b", path)]
        arguments = {
            "num_frames": 2,
            "size": 40,
            "num_classes": 1,
            "crop_scale": (1, 1),
        }
        # Starts from 0 to 60 - 6.
        source = ClipSource(records, training=False, num_clips=4, **arguments)
        self.assertLen(source, 8)
        starts = [self.read_numbers(clip)[0] for clip in source]
        self.assertEqual(starts, 2 * [0, 18, 36, 54])
        source = ClipSource(records, num_clips=4, **arguments)
        clips = {source[i]["videos"].tobytes() for i in range(8)}
        self.assertGreater(len(clips), 4)

    def test_every_clip_once_per_epoch(self):
        records = [
            VideoRecord(r.id, r.path, segments=((i, 0, 9),))
            for i, r in enumerate(self.make_records(3, 3, 3))
        ]
        source = ClipSource(
            records, num_frames=1, size=8, num_classes=3, num_clips=2
        )
        videos = [int(source[i]["labels"].argmax()) for i in range(6)]
        self.assertEqual(sorted(videos), [0, 0, 1, 1, 2, 2])

    def test_flip_and_crop_are_of_the_clip(self):
        path = self.make_path("a", "1.png")
        cv2.imwrite(path, number_frame(5, 40, 40))
        records = [VideoRecord("a", os.path.dirname(path))]
        arguments = {"num_frames": 3, "size": 32, "num_classes": 1}
        plain = ClipSource(records, horizontal_flip=False, **arguments)
        flipping = ClipSource(records, **arguments)
        num_flipped = 0
        for epoch in range(40):
            clip = flipping.get_clip(epoch, 0)["videos"]
            np.testing.assert_array_equal(clip[0], clip[2])
            expected = plain.get_clip(epoch, 0)["videos"]
            is_flipped = not np.array_equal(clip, expected)
            num_flipped += is_flipped
            if is_flipped:
                np.testing.assert_array_equal(clip, expected[:, :, ::-1])
        self.assertBetween(num_flipped, 8, 32)

    def test_flip_turns_flow_round(self):
        # A flow of -20 pixels at the left end to 20 at the right one.
        picture = np.full((40, 40, 3), 128, "uint8")
        picture[..., 2] = np.linspace(0, 255, 40)
        picture[..., 1] = np.linspace(0, 200, 40)[:, None]
        path = self.make_path("a", "1.png")
        cv2.imwrite(path, picture)
        records = [VideoRecord("a", os.path.dirname(path))]
        arguments = {
            "num_frames": 2,
            "size": 32,
            "num_classes": 1,
            "modality": "flow",
        }
        plain = ClipSource(records, horizontal_flip=False, **arguments)
        flipping = ClipSource(records, **arguments)
        num_flipped = 0
        for epoch in range(20):
            clip = flipping.get_clip(epoch, 0)["videos"]
            self.assertEqual(clip.dtype, "uint8")
            expected = plain.get_clip(epoch, 0)["videos"]
            if np.array_equal(clip, expected):
                continue
            num_flipped += 1
            expected = decode_flow(expected[:, :, ::-1]) * [-1, 1]
            np.testing.assert_allclose(decode_flow(clip), expected, atol=1e-5)
        self.assertBetween(num_flipped, 3, 17)

    def test_determinism(self):
        records = self.make_records(40, 50, 60)
        arguments = {"num_frames": 2, "frame_stride": 3, "size": 16}
        source = ClipSource(records, seed=1, **arguments)
        again = pickle.loads(pickle.dumps(copy.deepcopy(source)))
        clips = {}
        for epoch in range(3):
            for index in range(3):
                clips[epoch, index] = source.get_clip(epoch, index)
        for epoch, index in [(2, 0), (0, 1), (1, 2), (0, 0)]:
            again.set_epoch(epoch)
            for key, value in again[index].items():
                np.testing.assert_array_equal(value, clips[epoch, index][key])
        # No two of them are alike, nor those of another seed.
        other = ClipSource(records, seed=2, **arguments)
        drawn = [*clips.values(), other[0], other[1], other[2]]
        self.assertLen({c["videos"].tobytes() for c in drawn}, 12)

    def test_every_video_once_per_epoch(self):
        # The class of a clip tells its video.
        records = [
            VideoRecord(r.id, r.path, segments=((i, 0, 9),))
            for i, r in enumerate(self.make_records(*[3] * 6))
        ]
        arguments = {"num_frames": 1, "size": 8, "num_classes": 6}
        source = ClipSource(records, **arguments)
        orders = [
            tuple(
                int(source.get_clip(epoch, i)["labels"].argmax())
                for i in range(6)
            )
            for epoch in range(4)
        ]
        for order in orders:
            self.assertEqual(sorted(order), list(range(6)))
        self.assertGreater(len(set(orders)), 2)
        source = ClipSource(records, training=False, **arguments)
        order = [int(source[i]["labels"].argmax()) for i in range(6)]
        self.assertEqual(order, list(range(6)))

    def test_readers_give_the_same_clips(self):
        pytest.importorskip("av")
        records = self.make_records(200)
        clips = [
            ClipSource(records, 8, size=32, reader=reader).get_clip(0, 0)
            for reader in ("opencv", "pyav")
        ]
        for key in ("labels", "mask"):
            np.testing.assert_array_equal(clips[0][key], clips[1][key])
        videos = [clip["videos"].astype("int32") for clip in clips]
        # Their colours are rounded differently.
        self.assertLessEqual(np.abs(videos[0] - videos[1]).max(), 3)

    def test_cache_changes_nothing(self):
        records = self.make_records(20, 30, 2000)
        arguments = {"num_frames": 3, "size": 16}
        plain = ClipSource(records, **arguments)
        cached = ClipSource(records, cache_bytes=10**6, **arguments)
        for epoch in range(2):
            for index in range(3):
                np.testing.assert_array_equal(
                    cached.get_clip(epoch, index)["videos"],
                    plain.get_clip(epoch, index)["videos"],
                )
        # Two of the videos fit, and are not read again.
        os.remove(records[0].path)
        os.remove(records[1].path)
        for index in range(3):
            cached.get_clip(3, index)
        self.assertEqual(cached.failures, {})

    def test_unreadable_videos_are_skipped(self):
        good = self.make_records(10, 10)
        missing = VideoRecord("m", self.make_path("missing.mp4"))
        empty = VideoRecord("e", self.touch("empty.mp4"))
        records = [good[0], missing, good[1], empty]
        arguments = {"num_frames": 2, "size": 8, "num_classes": 1}
        source = ClipSource(records, **arguments)
        again = ClipSource(records, **arguments)
        for index in (3, 1, 0, 2):
            again[index]
        for index in range(4):
            np.testing.assert_array_equal(
                source[index]["videos"], again[index]["videos"]
            )
        self.assertEqual(sorted(source.failures), [empty.path, missing.path])
        self.assertIn("2 videos could not be read", source.report())
        self.assertIn("empty.mp4: the file is empty", source.report())
        self.assertIn("could be read", ClipSource(good).report())

        source = ClipSource(records, on_error="raise", **arguments)
        with self.assertRaises(VideoReadError):
            for index in range(4):
                source[index]
        source = ClipSource([missing, empty], **arguments)
        with self.assertRaisesRegex(VideoReadError, "nor can any of the 2"):
            source[0]
        source = ClipSource(records, **arguments)
        source.max_failures = 0.25
        with self.assertRaisesRegex(
            VideoReadError, "as 2 of 4 videos, more than a share of 0.25"
        ):
            for index in range(4):
                source[index]
        self.assertEqual(sorted(source.failures), [empty.path, missing.path])

    @parameterized.named_parameters(
        ("num_frames", {"num_frames": 0}, "num_frames=0"),
        ("stride", {"frame_stride": 1.5}, "frame_stride=1.5"),
        ("rate", {"frame_rate": 0}, "frame_rate=0"),
        (
            "stride_and_rate",
            {"frame_stride": 5, "frame_rate": 6.0},
            "Only one .* frame_stride=5, frame_rate=6.0",
        ),
        ("clips", {"num_clips": 0}, "num_clips=0"),
        ("size", {"size": -1}, "size=-1"),
        ("seed", {"seed": -1}, "seed=-1"),
        ("crop", {"crop_scale": (0.5, 1.5)}, r"crop_scale=\(0.5, 1.5\)"),
        ("on_error", {"on_error": "stop"}, "on_error='stop'"),
        ("classes", {"num_classes": None}, "num_classes=None"),
        ("cache", {"cache_bytes": -1}, "max_bytes=-1"),
        ("modality", {"modality": "depth"}, "modality='depth'"),
        ("reader", {"reader": "cv"}, "reader='cv'"),
    )
    def test_invalid_arguments(self, kwargs, message):
        records = [VideoRecord("a", "a.mp4")]
        with self.assertRaisesRegex(ValueError, message):
            ClipSource(records, **{"num_classes": 1, **kwargs})

    def test_invalid_calls(self):
        with self.assertRaisesRegex(ValueError, "`records` must hold"):
            ClipSource(VideoRecords([], ["a"]))
        source = ClipSource(self.make_records(3))
        with self.assertRaisesRegex(ValueError, "epoch=-1"):
            source.set_epoch(-1)
        for first_index in (-1, 1):
            with self.assertRaisesRegex(
                ValueError, f"first_index={first_index}"
            ):
                source.set_epoch(0, first_index=first_index)
        with self.assertRaisesRegex(IndexError, "index=1"):
            source[1]
        for kwargs, message in (
            ({"frame_stride": 0}, "frame_stride=0"),
            ({"size": 0}, "size=0"),
            ({"crop_scale": 2}, "crop_scale=2"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                read_whole_video(source.records[0], **kwargs)
        beyond = [
            VideoRecord("x", source.records[0].path, segments=((3, 0, 1),))
        ]
        with self.assertRaisesRegex(ValueError, "Received: 3 of video 'x'"):
            ClipSource(beyond, num_classes=3)[0]
