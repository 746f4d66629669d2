"""A test case of the recipes that look after data sets."""

import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import cv2
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
RECIPES = ROOT / "recipes"
RUNS = ROOT / "tests" / "recipes" / "recipe_runs.py"


class DatasetRecipeCase(unittest.TestCase):
    def setUp(self):
        super().setUp()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.root = pathlib.Path(folder)
        self.videos = self.root / "videos"
        self.videos.mkdir()

    def add_video(self, name, num_frames):
        """Writes a video of 25 frames per second."""
        writer = cv2.VideoWriter(
            str(self.videos / name),
            cv2.VideoWriter.fourcc(*"mp4v"),
            25,
            (64, 32),
        )
        for number in range(num_frames):
            writer.write(np.full((32, 64, 3), 3 * number, "uint8"))
        writer.release()

    def add_annotations(self, name, *rows):
        """Writes a CSV file of videos, and returns its flag."""
        text = "\n".join(["video,label,start,end", *rows, ""])
        (self.root / name).write_text(text)
        return f"--annotations={self.root / name}"

    def run_recipe(self, recipe, cases):
        """Returns the status and the output of each case."""
        result = subprocess.run(
            [sys.executable, RUNS, RECIPES / recipe],
            input=json.dumps([[str(a) for a in case] for case in cases]),
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertIn("RUNS", result.stdout, result.stderr[-3000:])
        return json.loads(result.stdout.split("RUNS")[1])

    def get_help(self, recipe):
        """Returns what --help prints."""
        return subprocess.run(
            [sys.executable, RECIPES / recipe, "--help"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    def kill_recipe(self, recipe, arguments, is_time, **environment):
        """Runs a recipe, and kills it when `is_time()`."""
        process = subprocess.Popen(
            [sys.executable, RECIPES / recipe, *map(str, arguments)],
            stderr=subprocess.PIPE,
            env=environment or None,
        )
        deadline = time.monotonic() + 120
        while not is_time() and process.poll() is None:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertIsNone(process.poll(), "It ended by itself.")
        process.kill()
        process.stderr.close()
        process.wait()
