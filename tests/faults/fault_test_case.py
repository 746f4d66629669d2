"""A test case of recipes in which something goes wrong."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPES = FOLDER.parents[1] / "recipes"


class FaultTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(
            cls.enterClassContext(tempfile.TemporaryDirectory())
        )

    @classmethod
    def common_flags(cls):
        return [
            "--width=0.25",
            "--depth=0.1",
            "--size=32",
            "--num_frames=4",
            "--frame_stride=2",
            "--batch_size=2",
            "--num_workers=1",
            "--initialization=motion",
            "--checkpoint_steps=2",
        ]

    @classmethod
    def start(cls, recipe, *flags, fault="none", environment=()):
        return subprocess.Popen(
            [
                sys.executable,
                FOLDER / "run_with_fault.py",
                fault,
                RECIPES / recipe,
                *flags,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "TF_CPP_MIN_LOG_LEVEL": "3",
                **dict(environment),
            },
            # Background jobs of a shell, and so their tests, ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(
                signal.SIGINT, signal.default_int_handler
            ),
        )

    @classmethod
    def call(cls, recipe, *flags, **kwargs):
        """Runs a recipe. Returns its status and what it wrote."""
        process = cls.start(recipe, *flags, **kwargs)
        output, _ = process.communicate()
        return process.returncode, output

    @classmethod
    def interrupt(cls, recipe, *flags, number, at):
        """Sends a signal once a recipe has written a text."""
        process = cls.start(recipe, *flags)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if at in line:
                process.send_signal(number)
                break
        output, _ = process.communicate()
        return process.returncode, "".join(lines) + output


def checkpoint_names(workdir):
    """Returns the names in the folder of checkpoints."""
    return sorted(path.name for path in (workdir / "checkpoints").iterdir())
