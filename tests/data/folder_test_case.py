"""A test case with a folder of its own."""

import os
import tempfile

from absl.testing import parameterized


class FolderTestCase(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def make_path(self, *names):
        """Returns a path in the folder. Its parent exists."""
        path = os.path.join(self.folder, *names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, text, *names):
        """Writes a text file and returns its path."""
        path = self.make_path(*names)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return path

    def touch(self, *names):
        """Writes a file that only its name matters of."""
        return self.write("", *names)
