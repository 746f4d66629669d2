import os
import shutil
import subprocess
import unittest

from absl.testing import parameterized
from data.folder_test_case import FolderTestCase
from data.numbered_video import HEIGHT
from data.numbered_video import WIDTH
from data.numbered_video import write_folder
from data.numbered_video import write_video

from ssdet_keras.data import probe_video


class ProbeVideoTest(FolderTestCase):
    @parameterized.parameters(False, True)
    def test_facts(self, thorough):
        path = write_video(self.make_path("a.mp4"), 30, fps=20.0)
        facts = probe_video(path, thorough)
        self.assertIsNone(facts.error)
        self.assertEqual((facts.num_frames, facts.fps), (30, 20.0))
        self.assertEqual((facts.height, facts.width), (HEIGHT, WIDTH))
        self.assertEqual(facts.rotation, 0)
        self.assertLen(facts.codec, 4)
        self.assertEqual(facts.thorough, thorough)
        self.assertEqual(facts.whole_digest is not None, thorough)

    def test_folder_of_frames(self):
        facts = probe_video(write_folder(self.make_path("7UPGT"), 5), True)
        self.assertEqual((facts.num_frames, facts.codec), (5, "frames"))

    def test_formats_without_a_frame_count(self):
        path = write_video(self.make_path("a.mkv"), 30, codec="XVID")
        self.assertEqual(probe_video(path, thorough=True).num_frames, 30)
        self.assertAlmostEqual(probe_video(path).num_frames, 30, delta=1)

    def test_rotation(self):
        if shutil.which("ffmpeg") is None:
            raise unittest.SkipTest("The program ffmpeg is not installed.")
        path = write_video(self.make_path("a.mp4"), 3)
        turned = self.make_path("b.mp4")
        command = ["ffmpeg", "-v", "error", "-i", path, "-c", "copy"]
        command += ["-metadata:s:v:0", "rotate=90", turned]
        subprocess.run(command, check=True)
        facts = probe_video(turned)
        self.assertIn(facts.rotation, (90, 270))
        self.assertEqual((facts.height, facts.width), (WIDTH, HEIGHT))

    @parameterized.named_parameters(
        ("missing", None, "No such file"),
        ("empty", b"", "the file is empty"),
        ("noise", bytes(range(256)) * 40, "holds no video"),
        ("text", b"not a video", "holds no video"),
    )
    def test_unreadable(self, content, reason):
        path = self.make_path("a.mp4")
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        facts = probe_video(path)
        self.assertRegex(facts.error, reason)
        self.assertIsNone(facts.parts_digest)

    def test_unreadable_folder(self):
        os.mkdir(self.make_path("a"))
        self.assertRegex(probe_video(self.make_path("a")).error, "no JPEG")
        path = write_folder(self.make_path("b"), 5)
        with open(os.path.join(path, "b-000003.jpg"), "wb"):
            pass
        self.assertIsNone(probe_video(path).error)
        self.assertRegex(
            probe_video(path, thorough=True).error, "5 frames.* only 4"
        )

    def test_mp4_file_that_is_cut_off(self):
        path = write_video(self.make_path("a.mp4"), 60)
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            content = file.read()
        # The last box ends with the file.
        for missing in (1, 7, size // 2):
            with self.subTest(missing=missing):
                os.truncate(path, size - missing)
                self.assertRegex(
                    probe_video(path).error,
                    r"cut off: [\d,]+ of [\d,]+ bytes are missing",
                )
        # What follows the boxes is no damage.
        with open(path, "wb") as file:
            file.write(content + b"\x7f\xff\xff\xff????" + bytes(9))
        self.assertIsNone(probe_video(path).error)

    def test_damage_in_the_middle_takes_a_thorough_check(self):
        path = write_video(self.make_path("a.avi"), 60, codec="MJPG")
        os.truncate(path, os.path.getsize(path) // 2)
        self.assertIsNone(probe_video(path).error)
        self.assertRegex(
            probe_video(path, thorough=True).error,
            r"it has 60 frames, of which only \d+ can be decoded",
        )

    def test_digests_tell_contents_apart(self):
        first = probe_video(write_video(self.make_path("a.mp4"), 30), True)
        copy = self.make_path("other", "b.mp4")
        shutil.copy(self.make_path("a.mp4"), copy)
        second = probe_video(copy, True)
        self.assertEqual(first, second)
        third = probe_video(write_video(self.make_path("c.mp4"), 31), True)
        self.assertNotEqual(first.parts_digest, third.parts_digest)
        self.assertNotEqual(first.whole_digest, third.whole_digest)

        # A byte between the parts is seen by the thorough check alone.
        for name in "de":
            with open(copy, "rb") as file:
                content = file.read()
            filler = bytearray(2**19)
            filler[70_000] = ord(name)
            with open(self.make_path(f"{name}.mp4"), "wb") as file:
                file.write(content + filler)
        fourth, fifth = (
            probe_video(self.make_path(f"{name}.mp4"), True) for name in "de"
        )
        self.assertEqual(fourth.parts_digest, fifth.parts_digest)
        self.assertNotEqual(fourth.whole_digest, fifth.whole_digest)

    def test_digest_of_folders_ignores_names(self):
        paths = [
            write_folder(self.make_path(name), length)
            for name, length in (("a", 9), ("b", 9), ("c", 8))
        ]
        facts = [probe_video(path, thorough=True) for path in paths]
        self.assertEqual(facts[0], facts[1])
        self.assertNotEqual(facts[0].parts_digest, facts[2].parts_digest)
        self.assertNotEqual(facts[0].whole_digest, facts[2].whole_digest)
