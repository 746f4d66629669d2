import numpy as np
from absl.testing import parameterized

from ssdet_keras.visualization import draw_overlay


class DrawOverlayTest(parameterized.TestCase):
    def draw(self, *scores, shape=(90, 200, 3)):
        frame = np.full(shape, 200, "uint8")
        picture = draw_overlay(frame, [""] * len(scores), scores)
        self.assertTrue((frame == 200).all())
        self.assertEqual(picture.shape, shape)
        return picture

    def test_bars_are_as_long_as_the_scores(self):
        picture = self.draw(0.75, 0.0, 1.0)
        # 0.35 * 200 + 0.65 * (0, 114, 178), below the text of each row.
        is_bar = np.abs(picture - [70.0, 144.1, 185.7]).max(-1) < 2
        lengths = [is_bar[row].sum() for row in (26, 56, 86)]
        self.assertEqual(lengths, [150, 0, 200])

    def test_below_the_rows_is_the_frame(self):
        picture = self.draw(0.5)
        self.assertTrue((picture[28:] == 200).all())
        self.assertFalse((picture[:28] == 200).all(-1).any())

    def test_text_is_white(self):
        frame = np.zeros((40, 300, 3), "uint8")
        without = draw_overlay(frame, [""], [0.0])
        with_name = draw_overlay(frame, ["Wälking"], [0.0])
        self.assertEqual(with_name.max(), 255)
        added = np.flatnonzero((with_name != without).any((0, 2)))
        # After the score.
        self.assertGreater(added.min(), 30)

    def test_rows_that_do_not_fit_are_left_out(self):
        picture = self.draw(*[1.0] * 10, shape=(70, 50, 3))
        self.assertTrue((picture[58:] == 200).all())
        self.draw(1.0, shape=(20, 50, 3))

    @parameterized.parameters(
        (np.zeros((4, 4, 3)), [0.5], "dtype=float64"),
        (np.zeros((4, 4), "uint8"), [0.5], "`frame`"),
        (np.zeros((4, 4, 3), "uint8"), [0.5, 0.5], "1 probabilities"),
        (np.zeros((4, 4, 3), "uint8"), [1.5], r"scores=\[1.5\]"),
        (np.zeros((4, 4, 3), "uint8"), [np.nan], r"scores=\[nan\]"),
    )
    def test_errors(self, frame, scores, message):
        with self.assertRaisesRegex(ValueError, message):
            draw_overlay(frame, ["a"], scores)
