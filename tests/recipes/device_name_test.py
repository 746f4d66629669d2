import os
import pathlib
import subprocess
import tempfile
import unittest
from unittest import mock

from ssdet_keras.recipes.device_name import get_device_name


class DeviceNameTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        path = self.folder + os.pathsep + os.environ["PATH"]
        self.enterContext(mock.patch.dict(os.environ, PATH=path))

    def write_nvidia_smi(self, script):
        path = pathlib.Path(self.folder) / "nvidia-smi"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def assert_processor(self, name):
        cores, model = name.split(" cores, ")
        self.assertEqual(int(cores), os.cpu_count())
        info = pathlib.Path("/proc/cpuinfo")
        if info.exists() and "model name" in info.read_text():
            self.assertIn(f": {model}\n", info.read_text())
        self.assertTrue(model)

    def test_gpus(self):
        self.write_nvidia_smi(
            'test "$*" = "--query-gpu=name --format=csv,noheader" || exit 1\n'
            "echo NVIDIA H200\necho NVIDIA L4"
        )
        self.assertEqual(get_device_name(), "NVIDIA H200, NVIDIA L4")

    def test_no_gpu(self):
        for script in ("exit 0", "echo No devices were found; exit 6"):
            with self.subTest(script=script):
                self.write_nvidia_smi(script)
                self.assert_processor(get_device_name())

    def test_no_program(self):
        os.environ["PATH"] = self.folder
        self.assert_processor(get_device_name())

    def test_program_that_hangs(self):
        error = subprocess.TimeoutExpired("nvidia-smi", 60)
        with mock.patch("subprocess.run", side_effect=error) as run:
            self.assert_processor(get_device_name())
        self.assertLessEqual(run.call_args.kwargs["timeout"], 60)


if __name__ == "__main__":
    unittest.main()
