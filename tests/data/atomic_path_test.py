import os
import stat
import unittest
from unittest import mock

from data.folder_test_case import FolderTestCase

from ssdet_keras.data.atomic_path import atomic_path
from ssdet_keras.data.atomic_write import atomic_write


class AtomicPathTest(FolderTestCase):
    def test_appears_when_it_is_whole(self):
        path = self.make_path("a.keras")
        with atomic_path(path) as temporary:
            self.assertEqual(temporary.suffix, ".keras")
            self.assertTrue(temporary.name.startswith("."))
            temporary.write_bytes(b"whole")
            self.assertFalse(os.path.exists(path))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"whole")
        self.assertEqual(os.listdir(os.path.dirname(path)), ["a.keras"])
        umask = os.umask(0)
        os.umask(umask)
        mode = stat.S_IMODE(os.stat(path).st_mode)
        self.assertEqual(mode, 0o666 & ~umask)

    def test_an_earlier_file_stays_when_writing_fails(self):
        path = self.make_path("a.bin")
        with atomic_write(path) as file:
            file.write(b"first")
        for error in (OSError, KeyboardInterrupt):
            with self.assertRaises(error), atomic_write(path) as file:
                file.write(b"half")
                raise error
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"first")
        self.assertEqual(os.listdir(os.path.dirname(path)), ["a.bin"])

    def test_the_file_is_on_the_disk_before_it_has_its_name(self):
        path = self.make_path("a.bin")
        existed = []
        with (
            mock.patch(
                "os.fsync",
                side_effect=lambda _: existed.append(os.path.exists(path)),
            ),
            atomic_write(path) as file,
        ):
            file.write(b"whole")
        # The file, then the folder with its name.
        self.assertEqual(existed, [False, True])


if __name__ == "__main__":
    unittest.main()
