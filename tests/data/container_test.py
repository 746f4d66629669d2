import os

from absl.testing import parameterized
from data.folder_test_case import FolderTestCase
from data.numbered_video import write_video

from ssdet_keras.data.container import is_cut_off_avi
from ssdet_keras.data.container import read_container


class ContainerTest(FolderTestCase):
    @parameterized.parameters(
        ("a.mp4", "mp4v", "mp4"),
        ("a.mov", "mp4v", "mp4"),
        ("a.mkv", "MJPG", "matroska"),
        ("a.webm", "VP80", "matroska"),
        ("a.avi", "MJPG", "avi"),
        ("a.flv", "FLV1", None),
    )
    def test_formats(self, name, codec, container):
        path = write_video(self.make_path(name), 3, codec=codec)
        # The content tells, not the name.
        renamed = self.make_path("b.dat")
        os.replace(path, renamed)
        self.assertEqual(read_container(renamed), container)

    def test_short_file(self):
        self.assertIsNone(read_container(self.write("", "a.mp4")))
        self.assertIsNone(read_container(self.write("RIFF", "b.avi")))

    def test_cut_off_avi(self):
        path = write_video(self.make_path("a.avi"), 9, codec="MJPG")
        self.assertFalse(is_cut_off_avi(path))
        os.truncate(path, os.path.getsize(path) - 1)
        self.assertTrue(is_cut_off_avi(path))
