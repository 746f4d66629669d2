"""The package tells which code it is."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from ssdet_keras import __version__

VERSION = pathlib.Path(__file__).resolve().parents[1] / "ssdet_keras/version.py"


def get_commit(folder, **environment):
    """Calls the function of a copy of the file in another folder."""
    code = "import version; print(version.get_commit())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


class VersionTest(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.root = pathlib.Path(folder)
        self.package = self.root / "package"
        self.package.mkdir()
        shutil.copy(VERSION, self.package)

    def git(self, *arguments):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
        result = subprocess.run(
            [*command, "-C", self.root, *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return result.stdout.strip()

    def test_no_checkout(self):
        self.assertEqual(get_commit(self.package), __version__)

    def test_damaged_checkout(self):
        (self.root / ".git").touch()
        self.assertEqual(get_commit(self.package), __version__)

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_checkout(self):
        self.git("init")
        self.assertEqual(get_commit(self.package), __version__)
        self.git("add", "package/version.py")
        self.git("commit", "-m", "a")
        self.git("tag", "v1")
        commit = self.git("rev-parse", "HEAD")
        self.assertEqual(len(commit), 40)
        self.assertEqual(get_commit(self.package), commit)
        with open(self.package / "version.py", "a") as file:
            file.write("\n")
        self.assertEqual(get_commit(self.package), f"{commit}-dirty")
        self.assertEqual(get_commit(self.package, PATH=""), __version__)
