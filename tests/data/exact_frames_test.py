import importlib.util
import itertools
import os
from unittest import mock

import numpy as np
from absl.testing import parameterized
from data.encoded_video import HEIGHT
from data.encoded_video import WIDTH
from data.encoded_video import encode_video
from data.encoded_video import run_ffmpeg
from data.folder_test_case import FolderTestCase
from data.numbered_video import read_number
from data.numbered_video import write_video

from ssdet_keras.data import VideoFile
from ssdet_keras.data import VideoReadError
from ssdet_keras.data.indexed_frames import IndexedFrames

READERS = ("opencv", "pyav")
CODECS = (
    ("mp4v", ".mp4"),
    ("mp4v", ".mov"),
    ("avc1", ".mp4"),
    ("hev1", ".mp4"),
    ("MJPG", ".avi"),
    ("MJPG", ".mkv"),
    ("XVID", ".avi"),
    ("XVID", ".mkv"),
    ("DIVX", ".avi"),
    ("MP42", ".avi"),
    ("FFV1", ".avi"),
    ("FFV1", ".mkv"),
    ("HFYU", ".avi"),
    ("VP80", ".webm"),
    ("VP90", ".webm"),
    ("AV01", ".mp4"),
    ("mpg1", ".mpg"),
    ("mpg2", ".ts"),
    ("FLV1", ".flv"),
    ("WMV2", ".wmv"),
)
CLOSED = "-c:v libx264 -g 25 -bf 3 -sc_threshold 0"
OPEN = "-c:v libx264 -bf 3 -x264-params open-gop=1:keyint=25"
REFRESH = "-c:v libx264 -x264-params intra-refresh=1:keyint=25"
HEVC = "-c:v libx265 -x265-params log-level=error:open-gop=1:keyint=25"
VARIABLE = (
    "-vf settb=1/1000,setpts=40*N+9*mod(N\\,5)+1600*gt(N\\,60) "
    f"-vsync passthrough -enc_time_base 1:1000 {CLOSED}"
)
INTERLACED = "-c:v libx264 -g 25 -flags +ildct+ilme"
ENCODINGS = (
    ("b_frames.mp4", CLOSED),
    ("b_frames.mkv", CLOSED),
    ("b_frames.ts", CLOSED),
    ("b_frames.avi", CLOSED),
    ("fragments.mp4", f"{CLOSED} -movflags +frag_keyframe+empty_moov"),
    ("open.mp4", OPEN),
    ("open.mkv", OPEN),
    ("refresh.mp4", REFRESH),
    ("refresh.mkv", REFRESH),
    ("variable.mp4", VARIABLE),
    ("variable.mkv", VARIABLE),
    ("hevc.mp4", HEVC),
    ("vp8.webm", "-c:v libvpx -g 25 -auto-alt-ref 1 -lag-in-frames 16"),
    ("vp9.webm", "-c:v libvpx-vp9 -g 25 -deadline realtime"),
    ("mpeg4.avi", "-c:v mpeg4 -g 25 -bf 2"),
    ("xvid.avi", "-c:v libxvid -g 25 -bf 2"),
    ("mpeg2.mpg", "-c:v mpeg2video -g 25 -bf 2"),
)
PYAV_ENCODINGS = (
    ("interlaced.mp4", INTERLACED),
    ("av1.mp4", "-c:v libaom-av1 -cpu-used 8 -g 25"),
)


class ReaderTestCase(FolderTestCase):
    def open(self, path, reader):
        if reader == "pyav" and importlib.util.find_spec("av") is None:
            self.skipTest("PyAV is not installed.")
        return VideoFile(path, reader=reader)


class ExactFramesTest(ReaderTestCase):
    def check_frames(self, path, numbers, reader):
        """Checks random reads, of a fresh and of a used reader."""
        video = self.open(path, reader)
        self.assertEqual(video.num_frames, len(numbers))
        everything = video.read(range(len(numbers)))
        self.assertEqual([read_number(f) for f in everything], numbers)
        self.assertEqual(video.count_decodable_frames(), len(numbers))
        rng = np.random.default_rng(0)
        for i in range(12):
            if i % 3 == 0:
                video = self.open(path, reader)
            start, stride = rng.integers(len(numbers)), rng.integers(1, 6)
            indices = np.minimum(
                start + stride * np.arange(6), len(numbers) - 1
            )
            np.testing.assert_array_equal(
                video.read(indices), everything[indices]
            )

    @parameterized.parameters(
        (*codec, reader) for codec, reader in itertools.product(CODECS, READERS)
    )
    def test_written_by_opencv(self, codec, suffix, reader):
        path = self.make_path(f"a{suffix}")
        write_video(path, 90, codec=codec, shape=(HEIGHT, WIDTH))
        if not os.path.exists(path) or not os.path.getsize(path):
            self.skipTest(f"OpenCV does not write {codec} here.")
        self.check_frames(path, list(range(90)), reader)

    @parameterized.parameters(
        (*encoding, reader)
        for encoding, reader in [
            *itertools.product(ENCODINGS, READERS),
            *itertools.product(PYAV_ENCODINGS, ["pyav"]),
        ]
    )
    def test_written_by_ffmpeg(self, name, options, reader):
        path = encode_video(self.make_path(name), 130, *options.split())
        numbers = list(range(130))
        if name == "xvid.avi":
            # This encoder drops frames. Its header does not tell.
            with self.open(path, "opencv") as video:
                numbers = numbers[: video.count_decodable_frames()]
        self.check_frames(path, numbers, reader)

    @parameterized.parameters(*READERS)
    def test_edit_lists(self, reader):
        whole = encode_video(self.make_path("a.mp4"), 130, *CLOSED.split())
        path = self.make_path("b.mp4")
        # The copy starts at key frame 25, and asks to be shown from 40 on.
        run_ffmpeg("-ss", "1.6", "-i", whole, "-c", "copy", path)
        video = self.open(path, reader)
        self.assertEqual(video.header_num_frames, 105)
        self.check_frames(path, list(range(40, 130)), reader)

    @parameterized.parameters(*READERS)
    def test_rotation(self, reader):
        whole = encode_video(self.make_path("a.mp4"), 5, *CLOSED.split())
        upright = self.open(whole, reader).read(range(5))
        self.assertEqual(self.open(whole, reader).rotation, 0)
        for degrees in (90, 180, 270):
            path = self.make_path(f"{degrees}.mp4")
            tag = ("-metadata:s:v", f"rotate={degrees}")
            run_ffmpeg("-i", whole, "-c", "copy", *tag, path)
            video = self.open(path, reader)
            # This tag counts counterclockwise.
            self.assertEqual(video.rotation, 360 - degrees)
            frames = video.read(range(5))
            np.testing.assert_array_equal(
                frames, np.rot90(upright, degrees // 90, axes=(1, 2))
            )
            self.assertEqual(frames.shape[1:3], (video.height, video.width))

    @parameterized.parameters(
        itertools.product(("a.mp4", "a.mkv", "b.mp4", "b.mkv"), READERS)
    )
    def test_decoding_starts_at_key_frame(self, name, reader):
        options = VARIABLE if name.startswith("b") else CLOSED
        path = encode_video(self.make_path(name), 400, *options.split())
        video = self.open(path, reader)
        for index in (390, 200, 120):
            with mock.patch.object(
                IndexedFrames,
                "_step",
                autospec=True,
                side_effect=IndexedFrames._step,
            ) as step:
                frames = video.read([index, index + 3])
            self.assertLess(step.call_count, 70)
            numbers = [read_number(f) for f in frames]
            self.assertEqual(numbers, [index, index + 3])

    @parameterized.parameters(*READERS)
    def test_truncated_mp4(self, reader):
        path = encode_video(
            self.make_path("a.mp4"),
            200,
            *CLOSED.split(),
            *("-movflags", "+faststart"),
        )
        with open(path, "rb+") as file:
            file.truncate(os.path.getsize(path) * 2 // 3)
        video = self.open(path, reader)
        self.assertEqual(video.num_frames, 200)
        count = video.count_decodable_frames()
        self.assertBetween(count, 50, 180)
        numbers = [read_number(f) for f in video.read(range(count))]
        self.assertEqual(numbers, list(range(count)))
        with self.assertRaisesRegex(
            VideoReadError, "200 frames, of which only"
        ):
            video.read([199])

    @parameterized.parameters(itertools.product(("a.mp4", "a.mkv"), READERS))
    def test_damaged_packets(self, name, reader):
        path = encode_video(self.make_path(name), 200, *CLOSED.split())
        size = os.path.getsize(path)
        with open(path, "rb+") as file:
            file.seek(size // 2)
            file.write(bytes(i % 251 for i in range(300)))
        video = self.open(path, reader)
        exact, wrong = [], []
        for index in np.random.default_rng(0).permutation(video.num_frames):
            try:
                number = read_number(video.read([index])[0])
            except VideoReadError:
                continue
            (exact if number == index else wrong).append(index)
        self.assertContainsSubset(range(50), exact)
        if name == "a.mp4":
            # The decoder makes up what is left of the damaged pictures.
            self.assertLess(max(wrong, default=0) - min(wrong, default=0), 25)
        if (name, reader) == ("a.mp4", "pyav"):
            self.assertEmpty(wrong)
            self.assertContainsSubset(range(175, 200), exact)

    def test_readers_agree(self):
        path = encode_video(self.make_path("a.mp4"), 30, *CLOSED.split())
        videos = [self.open(path, reader) for reader in READERS]
        for name in ("fps", "num_frames", "height", "width", "codec"):
            values = [getattr(video, name) for video in videos]
            self.assertEqual(values[0], values[1])
        frames = [video.read([3, 9]).astype(int) for video in videos]
        np.testing.assert_allclose(frames[0], frames[1], atol=2)

    @parameterized.parameters(*READERS)
    def test_interrupted_read(self, reader):
        path = encode_video(self.make_path("a.mp4"), 60, *CLOSED.split())
        frames = self.open(path, reader)._frames
        next(frames.read([2, 50]))
        for index in (11, 12, 13, 14):
            frame = next(frames.read([index]))[1]
            self.assertEqual(read_number(frame), index)
