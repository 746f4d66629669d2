import pathlib
import tempfile

import cv2
import numpy as np
from absl.testing import parameterized

from ssdet_keras.visualization import draw_class_gains

BLUE = (0, 114, 178)
VERMILION = (213, 94, 0)
BAND = (240, 240, 240)
DOTS_PER_INCH = 150


class DrawClassGainsTest(parameterized.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = pathlib.Path(folder) / "gains.png"

    def draw(self, first, second, **kwargs):
        """Returns the picture, without its legend."""
        names = [f"class {index}" for index in range(len(first))]
        draw_class_gains(
            self.path,
            {"_first": first, "$second$": second},
            kwargs.pop("class_names", names),
            **kwargs,
        )
        self.assertTrue(self.path.read_bytes().startswith(b"\x89PNG\r\n"))
        return cv2.imread(str(self.path))[60:, :, ::-1]

    def find(self, picture, color):
        """Returns where pixels are of a colour, a pair of rows, columns."""
        return np.nonzero(np.abs(picture.astype(int) - color).max(-1) <= 2)

    def test_marks_are_at_the_values(self):
        # At 0, 20, 40 and 80 %, in the order of their gains.
        picture = self.draw([0.2, 0.0, 0.4], [0.0, 0.4, 0.8])
        rows, columns = self.find(picture, BLUE)
        gains = [
            columns[abs(rows - rows.min() - offset) < 12].mean()
            for offset in (6, 6 + 36)
        ]
        loss = self.find(picture, VERMILION)[1].mean()
        # The gains of 40 points are one above the other, by their index.
        scale = gains[1] - gains[0]
        self.assertGreater(scale, 200)
        self.assertAlmostEqual(gains[0] - loss, scale, delta=3)
        self.assertGreater(self.find(picture, VERMILION)[0].min(), rows.max())

    def test_colors_tell_gains_from_losses(self):
        picture = self.draw([0.1, 0.2], [0.2, 0.3])
        self.assertEmpty(self.find(picture, VERMILION)[0])
        picture = self.draw([0.1, 0.2], [0.0, 0.1])
        self.assertEmpty(self.find(picture, BLUE)[0])

    def test_classes_without_a_value_are_left_out(self):
        nan = np.nan
        height = self.draw([0.1, 0.2, 0.3], [0.2, 0.3, 0.3]).shape[0]
        smaller = self.draw([0.1, nan, 0.3], [0.2, 0.3, nan]).shape[0]
        # Two rows of 0.24 inches.
        self.assertAlmostEqual(
            height - smaller, 2 * 0.24 * DOTS_PER_INCH, delta=2
        )

    def test_classes_in_the_middle_are_left_out(self):
        gains = np.linspace(-0.2, 0.2, 9)
        whole = self.draw(np.full(9, 0.5), 0.5 + gains)
        # But edges of text.
        self.assertLess(len(self.find(whole, BAND)[0]), 1000)
        # Three gains, a row for those left out, two losses.
        picture = self.draw(np.full(9, 0.5), 0.5 + gains, max_classes=5)
        self.assertGreater(len(self.find(picture, BAND)[0]), 10000)
        self.assertAlmostEqual(
            whole.shape[0] - picture.shape[0],
            3 * 0.24 * DOTS_PER_INCH,
            delta=2,
        )
        # Marks have a height of 14 pixels.
        rows, _ = self.find(picture, BLUE)
        self.assertAlmostEqual(np.ptp(rows), 2 * 36 + 14, delta=10)
        rows, _ = self.find(picture, VERMILION)
        self.assertAlmostEqual(np.ptp(rows), 36 + 14, delta=10)

    def test_number_of_segments(self):
        without = self.draw([0.1], [0.2])
        picture = self.draw([0.1], [0.2], num_segments=[1234])
        changed = np.nonzero((without != picture).any((0, 2)))[0]
        # On the right of all else.
        self.assertGreater(changed.min(), 0.85 * picture.shape[1])

    def test_values_of_zero(self):
        self.draw([0.0], [0.0])

    @parameterized.named_parameters(
        ("models", {"results": {"a": [0.1]}}, "two models. Received: 1"),
        ("shape", {"results": {"a": [0.1], "b": [0.1] * 2}}, "1 average"),
        ("percent", {"results": {"a": [10], "b": [20]}}, r"\[10.\] for 'a'"),
        (
            "nothing",
            {"results": {"a": [np.nan], "b": [0.1]}},
            "a value by both models",
        ),
        ("segments", {"num_segments": [1, 2]}, "per class, 1. Received: 2"),
        ("max_classes", {"max_classes": 1}, "max_classes=1"),
    )
    def test_errors(self, kwargs, message):
        arguments = {
            "results": {"a": [0.1], "b": [0.2]},
            "class_names": ["class"],
            **kwargs,
        }
        with self.assertRaisesRegex(ValueError, message):
            draw_class_gains(self.path, **arguments)
        self.assertFalse(self.path.exists())
