import itertools
import os
import subprocess
import sys
import wave

import numpy as np
from absl.testing import parameterized
from data.exact_frames_test import READERS
from data.exact_frames_test import ReaderTestCase
from data.numbered_video import read_number
from data.numbered_video import write_folder
from data.numbered_video import write_video

from ssdet_keras.data import VideoFile
from ssdet_keras.data import VideoReadError

KINDS = (
    ("missing", "No such file"),
    ("empty", "the file is empty"),
    ("noise", "holds no video"),
    ("text", "holds no video"),
    ("page", "holds no video"),
    ("sound", "holds no video"),
    ("no header", "holds no video"),
    ("start", "holds no video"),
    ("zeros", "holds no video"),
)
OPEN_ALL = """
import sys
from ssdet_keras import data

print("IMPORTED", file=sys.stderr, flush=True)
count = 0
for path in sys.argv[2:]:
    try:
        data.VideoFile(path, reader=sys.argv[1])
    except data.VideoReadError:
        count += 1
print(count)
"""


class UnreadableVideoTest(ReaderTestCase):
    def make_file(self, kind):
        path = self.make_path("a.mp4")
        if kind == "missing":
            return path
        if kind == "sound":
            with wave.open(path, "wb") as file:
                file.setparams((1, 2, 8000, 0, "NONE", None))
                file.writeframes(bytes(8000))
            return path
        content = {
            "empty": b"",
            "noise": np.random.default_rng(0).bytes(10_000),
            "text": b"This is no video.\n" * 99,
            "page": b"<html><body>404 Not Found</body></html>\n",
        }
        if kind in content:
            data = content[kind]
        else:
            with open(write_video(path, 60), "rb") as file:
                data = file.read()
            # OpenCV writes the header last.
            data = {
                "no header": data[: len(data) // 2],
                "start": data[:40],
                "zeros": data[:40] + bytes(len(data) - 40),
            }[kind]
        with open(path, "wb") as file:
            file.write(data)
        return path

    @parameterized.parameters(
        (*case, reader) for case, reader in itertools.product(KINDS, READERS)
    )
    def test_one_error(self, kind, reason, reader):
        path = self.make_file(kind)
        with self.assertRaisesRegex(VideoReadError, reason) as caught:
            self.open(path, reader)
        self.assertEqual(caught.exception.path, path)
        self.assertIn(path, str(caught.exception))

    @parameterized.parameters(*READERS)
    def test_no_output(self, reader):
        self.open(write_video(self.make_path("b.mp4"), 3), reader)
        paths = []
        for kind, _ in KINDS:
            paths.append(self.make_path(f"{kind}.mp4"))
            if kind != "missing":
                os.replace(self.make_file(kind), paths[-1])
        # In a process of its own: the first user of FFmpeg decides what it
        # prints, and the tests have used it.
        result = subprocess.run(
            [sys.executable, "-c", OPEN_ALL, reader, *paths],
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual(result.stdout.split(), [str(len(paths))])
        output = result.stderr.split("IMPORTED\n", 1)[1]
        self.assertEqual(output, "")

    def test_folders(self):
        path = self.make_path("frames")
        os.makedirs(path)
        with self.assertRaisesRegex(VideoReadError, "no JPEG"):
            VideoFile(path)
        write_folder(self.make_path("other"), 5)
        picture = self.make_path("other", "other-000002.jpg")
        video = VideoFile(self.make_path("other"))
        with open(picture, "rb+") as file:
            # Decoders fill the rest up with grey.
            file.truncate(os.path.getsize(picture) * 3 // 4)
        for break_more in (lambda: os.truncate(picture, 0), None):
            with self.assertRaisesRegex(VideoReadError, "other-000002.jpg"):
                video.read([0, 1])
            if break_more:
                break_more()
        os.remove(picture)
        with self.assertRaisesRegex(VideoReadError, "No such file"):
            video.read([1])
        os.makedirs(picture)
        with self.assertRaisesRegex(VideoReadError, "other-000002.jpg"):
            video.read([1])
        self.assertEqual(read_number(video.read([2])[0]), 2)

    def test_frame_rate_of_folder(self):
        path = write_folder(self.make_path("a"), 3)
        self.assertEqual(VideoFile(path).fps, 24.0)
        self.write("12.5\n", "a", "fps.txt")
        self.assertEqual(VideoFile(path).fps, 12.5)
        self.assertEqual(VideoFile(path, fps=30).fps, 30.0)
        self.assertEqual(VideoFile(path).num_frames, 3)
        for text in ("", "fast", "0", "nan", "-3", "inf"):
            self.write(text, "a", "fps.txt")
            with self.assertRaisesRegex(VideoReadError, "positive number"):
                VideoFile(path)
        os.remove(os.path.join(path, "fps.txt"))
        os.makedirs(os.path.join(path, "fps.txt"))
        with self.assertRaisesRegex(VideoReadError, "fps.txt: Is a directory"):
            VideoFile(path)

    def test_invalid_reader(self):
        with self.assertRaisesRegex(ValueError, "Received: reader='magic'"):
            VideoFile("a.mp4", reader="magic")

    def test_missing_pyav(self):
        path = write_video(self.make_path("a.mp4"), 3)
        self.enter_without("av")
        with self.assertRaisesRegex(ImportError, "pip install av"):
            VideoFile(path, reader="pyav")

    def enter_without(self, package):
        """Makes the import of a package fail for the rest of the test."""
        saved = sys.modules.get(package)
        sys.modules[package] = None

        def restore():
            del sys.modules[package]
            if saved is not None:
                sys.modules[package] = saved

        self.addCleanup(restore)


class ManyOpensTest(ReaderTestCase):
    @parameterized.parameters(
        itertools.product((*READERS, "folder"), ("whole", "broken"))
    )
    def test_memory_is_flat(self, reader, state):
        path = write_video(self.make_path("a.mp4"), 4)
        if state == "broken":
            os.truncate(path, os.path.getsize(path) // 2)
        if reader == "folder":
            path = write_folder(self.make_path("a"), 3)
            if state == "broken":
                os.truncate(self.make_path("a", "a-000001.jpg"), 9)
            reader = "opencv"
        # The first opens fill caches.
        self.open_often(path, reader, 300)
        before = _resident_bytes()
        self.open_often(path, reader, 1700)
        self.assertLess(_resident_bytes() - before, 6e6)

    def open_often(self, path, reader, times):
        for _ in range(times):
            try:
                with self.open(path, reader) as video:
                    video.read([0, 2])
            except VideoReadError:
                pass


def _resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
