"""Files that the preview writes, of videos of one colour each."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import cv2
import numpy as np
from PIL import Image
from run_recipe_cases import run_recipe_cases

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPE = FOLDER.parents[1] / "recipes" / "preview_augmentations.py"
COLORS = {
    "red": (220, 30, 30),
    "blue": (30, 30, 220),
    "green": (30, 220, 30),
}
# In the order of the tiles.
TILES = (
    "clip 1",
    "clip 2",
    "freeze",
    "mix up",
    "mix up and back",
    "window",
    "view",
    "joint",
)


def write_video(path, colors):
    shape = (40, 32)
    codec = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), codec, 20, shape)
    for color in colors:
        writer.write(np.full((*shape[::-1], 3), color[::-1], "uint8"))
    writer.release()


class PreviewAugmentationsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        for name, color in COLORS.items():
            write_video(cls.root / f"{name}.avi", [color] * 40)
        halves = [COLORS["red"]] * 20 + [COLORS["blue"]] * 20
        write_video(cls.root / "halves.avi", halves)
        (cls.root / "broken.mp4").write_bytes(b"no video")

    def run_recipe(self, *arguments):
        return subprocess.run(
            [sys.executable, RECIPE, "--num_frames=8", "--size=16", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )

    def read_tiles(self, name):
        """Returns the colours `(frames, 2, 3)` left and right in each tile."""
        with Image.open(self.root / name) as image:
            frames = []
            for index in range(image.n_frames):
                image.seek(index)
                frames.append(np.asarray(image.convert("RGB")).astype(int))
        frames = np.stack(frames)
        self.assertEqual(frames.shape[:1] + frames.shape[2:], (8, 900, 3))
        tiles = {}
        for index, tile in enumerate(TILES):
            line, column = divmod(index, 4)
            row, left = 155 + 341 * line, 20 + 220 * column
            tiles[tile] = frames[:, row, [left + 10, left + 190]]
        return tiles

    def assert_color(self, pixels, name):
        self.assertLess(np.abs(pixels - COLORS[name]).max(), 25)

    def test_two_videos(self):
        result = self.run_recipe(
            "--output=two.png",
            "--output=two.gif",
            "--output=two.mp4",
            "--names=first,second",
            "red.avi",
            "blue.avi",
        )
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        self.assertEqual(Image.open(self.root / "two.png").format, "PNG")
        capture = cv2.VideoCapture(str(self.root / "two.mp4"))
        self.addCleanup(capture.release)
        self.assertEqual(capture.get(cv2.CAP_PROP_FRAME_COUNT), 8)
        # Frames 5 apart of 20 frames per second.
        self.assertAlmostEqual(capture.get(cv2.CAP_PROP_FPS), 4, places=3)

        tiles = self.read_tiles("two.gif")
        for tile in ("clip 1", "freeze"):
            self.assert_color(tiles[tile], "red")
        self.assert_color(tiles["clip 2"], "blue")
        self.assert_color(tiles["view"][:, 0], "red")
        self.assert_color(tiles["view"][:, 1], "blue")
        for tile in ("mix up", "window", "joint"):
            # Clip 1 ends at frame 6, clip 2 begins at frame 2.
            self.assert_color(tiles[tile][:3], "red")
            self.assert_color(tiles[tile][6:], "blue")
        half = (np.array(COLORS["red"]) + COLORS["blue"]) / 2
        self.assertLess(np.abs(tiles["mix up"][4] - half).max(), 25)
        self.assert_color(tiles["window"][4, 0], "red")
        self.assert_color(tiles["window"][4, 1], "blue")
        back = tiles["mix up and back"]
        self.assert_color(back[[0, 1, 2, 6, 7]], "red")
        self.assert_color(back[4], "blue")

    def test_one_video_gives_both_clips(self):
        result = self.run_recipe("halves.avi")
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        self.assertIn("both are from halves.avi", result.stderr)
        self.assertTrue((self.root / "augmentations.png").exists())
        tiles = self.read_tiles("augmentations.gif")
        self.assert_color(tiles["clip 1"], "red")
        self.assert_color(tiles["clip 2"], "blue")

    def test_more_videos_are_partners_in_turn(self):
        result = self.run_recipe(
            "--output=more.gif",
            "broken.mp4",
            "red.avi",
            "missing.avi",
            "blue.avi",
            "green.avi",
        )
        # Those that can't be read are named, and the others are drawn.
        self.assertEqual(result.returncode, 1)
        self.assertIn("2 of 5 videos failed", result.stderr)
        for name in ("broken.mp4", "missing.avi"):
            self.assertEqual(result.stderr.count(name), 1)
        tiles = self.read_tiles("more.gif")
        self.assert_color(tiles["clip 1"], "red")
        self.assert_color(tiles["clip 2"], "blue")
        self.assert_color(tiles["mix up"][-1], "blue")
        self.assert_color(tiles["mix up and back"][4], "green")
        self.assert_color(tiles["window"][-1], "blue")
        self.assert_color(tiles["view"][:, 1], "green")
        self.assert_color(tiles["joint"][-1], "blue")

    def test_errors(self):
        red, blue = str(self.root / "red.avi"), str(self.root / "blue.avi")
        small = ["--num_frames=4", "--size=16"]
        cases = [
            ([], "one or two videos, or more"),
            (["a.avi", "b.avi"], "a.avi.*\n.*b.avi"),
            ([red, blue, "--names=a"], "the videos, 2. Received: --names=a"),
            ([red, "--output=a.jpg"], r"\.png, \.gif or \.mp4.*a\.jpg"),
            ([red, "--num_frames=2"], "num_frames"),
        ]
        cases += [
            ([*small, red, f"--output=/nowhere/a.{ending}"], "/nowhere/a")
            for ending in ("png", "gif", "mp4")
        ]
        messages = run_recipe_cases(RECIPE, [case for case, _ in cases])
        for (arguments, expected), message in zip(cases, messages, strict=True):
            with self.subTest(arguments=arguments):
                self.assertRegex(message, expected)
