import pathlib
import tempfile

import cv2
import numpy as np
from absl.testing import parameterized
from PIL import Image

from ssdet_keras.visualization import animate_augmentations
from ssdet_keras.visualization import write_animation

RED = (200, 0, 0)
# Bars are half of a colour on white, over an eighth of it.
BLUE_BAR = (111, 174, 211)


class AnimationsTest(parameterized.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = self.folder / "animation.gif"

    def read_gif(self, path=None):
        """Returns frames `(frames, height, width, 3)` and milliseconds."""
        frames, durations = [], []
        with Image.open(path or self.path) as image:
            self.assertEqual(image.info["loop"], 0)
            for index in range(image.n_frames):
                image.seek(index)
                durations.append(image.info["duration"])
                frames.append(np.asarray(image.convert("RGB")))
        return np.stack(frames), durations

    def read_mp4(self, path):
        capture = cv2.VideoCapture(str(path))
        self.addCleanup(capture.release)
        frames = []
        while (read := capture.read())[0]:
            frames.append(read[1][..., ::-1])
        return np.stack(frames), capture.get(cv2.CAP_PROP_FPS)

    def make_frames(self, num_frames=4, height=16, width=24):
        frames = np.zeros((num_frames, height, width, 3), "uint8")
        frames[:] = 60 * np.arange(num_frames)[:, None, None, None]
        frames[:, :, : width // 2, 1] = 200
        return frames

    def assert_close(self, a, b, tolerance):
        difference = np.abs(np.asarray(a).astype(int) - b)
        self.assertLessEqual(difference.max(), tolerance)

    def test_gif(self):
        frames = self.make_frames()
        write_animation(self.path, frames, frames_per_second=4)
        written, durations = self.read_gif()
        self.assert_close(written, frames, 4)
        # It rests on the last frame.
        self.assertEqual(durations, [250, 250, 250, 1000])

    def test_gif_is_no_faster_than_browsers_show(self):
        write_animation(self.path, self.make_frames(), frames_per_second=240)
        self.assertEqual(self.read_gif()[1][:3], [20, 20, 20])

    def test_mp4(self):
        frames = self.make_frames()
        path = self.folder / "animation.MP4"
        write_animation(path, frames, frames_per_second=6.25)
        written, rate = self.read_mp4(path)
        self.assertEqual(written.shape, frames.shape)
        self.assertAlmostEqual(rate, 6.25, places=3)
        # Colours bleed over the edge in the middle.
        self.assert_close(written[:, :, :8], frames[:, :, :8], 12)
        self.assert_close(written[:, :, 16:], frames[:, :, 16:], 12)

    @parameterized.named_parameters(
        ("ending", {"path": "a.avi"}, r"\.gif.*\.mp4.*Received: path=a\.avi"),
        ("rate", {"frames_per_second": 0}, "frames_per_second=0"),
        ("dtype", {"frames": np.zeros((2, 4, 4, 3))}, "dtype=float64"),
        (
            "odd",
            {"path": "a.mp4", "frames": np.zeros((2, 4, 5, 3), "uint8")},
            r"even height and width.*\(2, 4, 5, 3\)",
        ),
    )
    def test_invalid_animation(self, arguments, message):
        arguments = {
            "path": self.path,
            "frames": self.make_frames(),
            "frames_per_second": 6,
            **arguments,
        }
        with self.assertRaisesRegex(ValueError, message):
            write_animation(**arguments)
        self.assertFalse(self.path.exists())

    @parameterized.parameters("gif", "mp4")
    def test_unwritable_path(self, ending):
        path = self.folder / "missing" / f"a.{ending}"
        with self.assertRaisesRegex(OSError, "missing"):
            write_animation(path, self.make_frames(), 6)

    def make_row(self, title="Volume MixUp: clip 1", num_frames=3, **curves):
        videos = np.zeros((num_frames, 10, 10, 3), "uint8")
        videos[1:] = RED
        return title, videos, curves

    def test_augmentations(self):
        row = self.make_row(jump=[0.0, 0.5, 1.0])
        animate_augmentations(self.path, [row], frames_per_second=10)
        frames, durations = self.read_gif()
        self.assertLen(frames, 3)
        self.assertEqual(durations[:2], [100, 100])
        # The tile shows frame 0, and then the others.
        is_red = np.abs(frames.astype(int) - RED).max(-1) <= 8
        self.assertEqual(is_red[0].sum(), 0)
        self.assert_close(is_red[1:].sum((1, 2)), 200 * 200, 2000)
        # A bar as wide as the label, below the frame.
        is_bar = np.abs(frames.astype(int) - BLUE_BAR).max(-1) <= 8
        widths = is_bar.sum(2).max(1)
        self.assertEqual(widths[0], 0)
        self.assert_close(widths[1:], [100, 200], 3)
        self.assertGreater(
            np.nonzero(is_bar[2])[0].min(), np.nonzero(is_red[2])[0].max()
        )

    @parameterized.parameters((1, 240, 300), (4, 900, 300), (5, 900, 600))
    def test_tiles_are_in_lines_of_four(self, num_tiles, width, height):
        curves = {"_$x$ " * 20: [1, 1, 1]}
        row = self.make_row("A $long$ title: and why " * 9, **curves)
        animate_augmentations(self.path, [row] * num_tiles)
        frames, _ = self.read_gif()
        self.assertEqual(frames.shape[2], width)
        self.assert_close(frames.shape[1], height, 25)

    def test_mp4_of_odd_frames(self):
        row = "a", np.zeros((2, 7, 9, 3), "uint8"), {}
        path = self.folder / "a.mp4"
        animate_augmentations(path, [row, row, row])
        self.assertLen(self.read_mp4(path)[0], 2)

    def test_invalid_augmentations(self):
        with self.assertRaisesRegex(ValueError, "0 rows"):
            animate_augmentations(self.path, [])
        rows = [self.make_row(), self.make_row(num_frames=4)]
        with self.assertRaisesRegex(ValueError, r"\[3, 4\] frames"):
            animate_augmentations(self.path, rows)
        with self.assertRaisesRegex(ValueError, r"\(2,\) of 'x'"):
            animate_augmentations(self.path, [self.make_row(x=[1, 2])])
        self.assertFalse(self.path.exists())
