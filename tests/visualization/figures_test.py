import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy as np
from absl.testing import parameterized

from ssdet_keras.visualization import draw_augmentations
from ssdet_keras.visualization import draw_timeline
from ssdet_keras.visualization import draw_training_curves

BLUE = (0, 114, 178)
VERMILION = (213, 94, 0)
GREY = (118, 118, 118)
TRUTH = (230, 159, 0)


class FiguresTest(parameterized.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "figure.png"

    def read(self):
        self.assertTrue(self.path.read_bytes().startswith(b"\x89PNG\r\n"))
        return cv2.imread(str(self.path))[..., ::-1]

    def find(self, color):
        """Returns a mask of the pixels of a colour."""
        return np.abs(self.read().astype(int) - color).max(-1) <= 2

    def make_videos(self, num_frames=6, height=8, width=12):
        videos = np.zeros((num_frames, height, width, 3), "uint8")
        videos[..., 0] = 40 * np.arange(num_frames)[:, None, None]
        return videos

    def test_augmentations(self):
        videos = self.make_videos()
        curves = {"jump": [0, 0, 0, 1, 1, 1], "_$x$": np.linspace(1, 0, 6)}
        draw_augmentations(
            self.path,
            [("first", videos, {"jump": [1] * 6}), ("b", videos, curves)],
        )
        # Every frame is there, left to right, and once per row.
        centers = []
        for frame in range(6):
            mask = self.find((40 * frame, 0, 0))
            rows = np.flatnonzero(mask.mean(1) > 0.05)
            self.assertEqual((np.diff(rows) > 1).sum(), 1)
            centers.append(np.nonzero(mask)[1].mean())
        self.assertTrue((np.diff(centers[1:]) > 50).all())
        self.assertTrue(self.find(BLUE).any())
        self.assertTrue(self.find(VERMILION).any())

    def test_augmentation_curve_is_below_its_frame(self):
        videos = self.make_videos()
        draw_augmentations(
            self.path, [("a", videos, {"jump": [0, 0, 0, 1, 0, 0]})]
        )
        frame = np.nonzero(self.find((120, 0, 0)))[1]
        curve = self.find(BLUE)
        axes = np.nonzero(self.find((40, 0, 0)))
        below = curve[axes[0].max() :]
        # The topmost part of the curve spans the frame whose label is 1.
        top = np.nonzero(below.sum(1) > 20)[0][0]
        columns = np.nonzero(below[top, : frame.max() + 50])[0]
        self.assertLess(abs(columns.min() - frame.min()), 8)
        self.assertLess(abs(columns.max() - frame.max()), 8)

    def test_augmentation_curves_that_coincide_are_both_seen(self):
        curves = {"jump": [0.5] * 6, "run": [0.5] * 6, "background": [0] * 6}
        draw_augmentations(self.path, [("a", self.make_videos(), curves)])
        blue, vermilion = self.find(BLUE), self.find(VERMILION)
        curve = np.flatnonzero((blue.sum(1) > 100) & (vermilion.sum(1) > 100))
        self.assertGreater(len(curve), 0)
        # What is background is grey, and no activity is, but edges of text.
        grey = self.find(GREY).sum()
        del curves["background"]
        draw_augmentations(self.path, [("a", self.make_videos(), curves)])
        self.assertGreater(grey, 10 * self.find(GREY).sum())

    def test_augmentations_of_long_clips(self):
        videos = self.make_videos(num_frames=100, height=200)
        draw_augmentations(
            self.path, [("a", videos, {"jump": np.ones(100)})], max_frames=4
        )
        self.assertLess(self.read().shape[0], 700)
        with self.assertRaisesRegex(ValueError, "max_frames=0"):
            draw_augmentations(self.path, [("a", videos, {})], max_frames=0)

    @parameterized.named_parameters(
        ("nothing", [], "0 rows"),
        ("dtype", [("a", np.zeros((2, 4, 4, 3)), {})], "dtype=float64"),
        ("rank", [("a", np.zeros((4, 4, 3), "uint8"), {})], r"\(4, 4, 3\)"),
        ("empty", [("a", np.zeros((0, 4, 4, 3), "uint8"), {})], r"\(0, 4, 4"),
        (
            "curve",
            [("a", np.zeros((2, 4, 4, 3), "uint8"), {"x": [1, 2, 3]})],
            r"shape=\(3,\) of 'x' in 'a'",
        ),
        (
            "nan",
            [("a", np.zeros((2, 4, 4, 3), "uint8"), {"x": [1, np.nan]})],
            "must be finite",
        ),
    )
    def test_invalid_augmentations(self, rows, message):
        with self.assertRaisesRegex(ValueError, message):
            draw_augmentations(self.path, rows)
        self.assertFalse(self.path.exists())

    def make_timeline(self, **kwargs):
        arguments = {
            "frames": self.make_videos(3),
            "frame_times": [0.0, 5.0, 10.0],
            "scores": np.full((20, 2), 0.2),
            "truth": np.zeros((20, 2)),
            "duration": 10.0,
            "class_names": ["walk", "a $long$ name " * 9],
        }
        draw_timeline(self.path, **{**arguments, **kwargs})

    def test_timeline(self):
        self.make_timeline()
        self.assertLess(self.find(TRUTH).mean(1).max(), 0.05)
        self.assertTrue(self.find(BLUE).any())
        # Annotated in the second half of the video.
        truth = np.zeros((20, 2))
        truth[10:, 1] = 1
        self.make_timeline(truth=truth)
        mask = self.find(TRUTH)
        bar = np.flatnonzero(mask[mask.sum(1).argmax()])
        width = mask.shape[1]
        axes = np.array([1.9, 11.0 - 0.4]) / 11.0 * width
        self.assertLess(abs(bar.min() - axes.mean()), 5)
        self.assertLess(abs(bar.max() - axes[1]), 5)

    def test_timeline_without_truth(self):
        self.make_timeline(truth=None)
        self.assertFalse(self.find(TRUTH).any())

    def test_timeline_of_many_classes(self):
        scores = np.random.default_rng(0).random((20, 50))
        names = [str(index) for index in range(50)]
        kwargs = {"scores": scores, "truth": None, "class_names": names}
        self.make_timeline(max_classes=3, **kwargs)
        height = self.read().shape[0]
        self.make_timeline(max_classes=5, **kwargs)
        # Two more lanes of 0.52 inches at 150 dots per inch.
        self.assertAlmostEqual(self.read().shape[0] - height, 156, delta=2)

    def test_timeline_of_several_models(self):
        low, high = np.full((20, 2), 0.25), np.full((20, 2), 0.75)
        self.make_timeline(scores={"_low": low, "$high$": high}, truth=None)
        # Lines over the lanes, the higher one on top, and none filled.
        rows = []
        for color in (BLUE, VERMILION):
            (found,) = np.nonzero(self.find(color).sum(1) > 1000)
            rows.append(found)
        self.assertGreater(rows[0][0], rows[1][0])
        self.assertLess(len(rows[0]), 10)

    def test_timeline_without_frames(self):
        self.make_timeline()
        height = self.read().shape[0]
        self.make_timeline(frames=None, frame_times=None)
        # Frames of at most 1.5 inches, and 0.3 inches of links to them.
        self.assertAlmostEqual(height - self.read().shape[0], 270, delta=2)
        self.assertTrue(self.find(BLUE).any())

    def test_timeline_of_one_model_in_a_dict(self):
        scores = np.zeros((20, 2))
        scores[5:10, 0] = 1
        pictures = []
        for value in (scores, {"model": scores}):
            self.make_timeline(scores=value, truth=None)
            pictures.append(self.read())
        np.testing.assert_array_equal(*pictures)

    @parameterized.named_parameters(
        ("no_model", {"scores": {}}, "at least one model"),
        (
            "lengths",
            {"scores": {"a": np.zeros((20, 2)), "b": np.zeros((19, 2))}},
            r"one shape. Received: \[\(19, 2\), \(20, 2\)\]",
        ),
        ("frames", {"frames": np.zeros((3, 4, 4, 3))}, "dtype=float64"),
        ("num_times", {"frame_times": [1.0]}, "one time per frame, 3"),
        ("times", {"frame_times": [1.0, 2.0, 11.0]}, r"range \[0, 10.0\]"),
        ("rank", {"scores": np.zeros(20)}, r"scores.shape=\(20,\)"),
        ("logits", {"scores": np.full((20, 2), 3.0)}, "from 3.0 to 3.0"),
        ("nan", {"scores": np.full((20, 2), np.nan)}, "probabilities"),
        ("truth", {"truth": np.zeros((3, 2))}, r"truth.shape=\(3, 2\)"),
        ("duration", {"duration": 0.0}, "duration=0.0"),
        ("names", {"class_names": ["a"]}, "name 2 classes.*1 names"),
        ("max_classes", {"max_classes": 0}, "max_classes=0"),
    )
    def test_invalid_timeline(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            self.make_timeline(**kwargs)
        self.assertFalse(self.path.exists())

    @parameterized.named_parameters(
        ("epochs", {"epoch": ["0", "1"], "loss": ["0.5", "NA"]}),
        ("steps", {"step": range(500), "loss": np.ones(500)}),
        ("rows", {"loss": [0.3, 0.2], "val_loss": [0.4, 0.3]}),
        ("one_row", {"epoch": [0], "loss": [0.3]}),
        ("diverged", {"loss": [np.nan] * 3}),
    )
    def test_training_curves(self, columns):
        draw_training_curves(
            self.path, {"_first $x$": columns, "second": columns}
        )
        # The second run, or where it hides nothing its line in the legend.
        self.assertTrue(self.find(VERMILION).any())
        self.assertTrue(self.find(BLUE).any())

    def test_validation_that_was_not_made_is_not_drawn(self):
        pictures = []
        for validation in ({}, {"val_loss": ["NA", "NA"]}):
            columns = {"epoch": [0, 1], "loss": [0.3, 0.2], **validation}
            draw_training_curves(self.path, {"run": columns})
            pictures.append(self.read())
        np.testing.assert_array_equal(*pictures)

    @parameterized.named_parameters(
        ("nothing", {}, "at least one run"),
        ("column", {"a": {"epoch": [1]}}, r"\['epoch'\] of 'a'"),
        ("no_row", {"a": {"loss": []}}, "0 rows of 'loss'"),
        (
            "lengths",
            {"a": {"loss": [1, 2], "epoch": [0]}},
            "2 rows of 'loss' and 1 .* 'a'",
        ),
    )
    def test_invalid_training_curves(self, runs, message):
        with self.assertRaisesRegex(ValueError, message):
            draw_training_curves(self.path, runs)
        self.assertFalse(self.path.exists())

    def test_matplotlib_is_imported_when_needed(self):
        # Keras imports it where it is there, so it is taken away.
        code = (
            "import sys; sys.modules['matplotlib'] = None; "
            "import ssdet_keras.visualization"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
