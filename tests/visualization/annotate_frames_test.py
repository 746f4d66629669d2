import numpy as np
from absl.testing import parameterized

from ssdet_keras.visualization import annotate_frames
from ssdet_keras.visualization.find_font import find_font

ACTIVE = (86, 180, 233)
INACTIVE = (138, 138, 138)
THRESHOLD = (230, 159, 0)
FRAME = (200, 10, 10)


def make_frames(count, height=120, width=160):
    return [np.full((height, width, 3), FRAME, "uint8") for _ in range(count)]


def find(picture, color):
    return (picture == color).all(-1)


class AnnotateFramesTest(parameterized.TestCase):
    @parameterized.parameters(
        # Of the frame, and of the picture above the panel.
        ((120, 160), (360, 480)),
        ((33, 47), (338, 480)),
        ((480, 480), (480, 480)),
        ((1080, 1920), (720, 1280)),
        # Upright, and so narrow that it has room at its sides.
        ((640, 360), (854, 480)),
        ((1000, 10), (1280, 480)),
    )
    def test_sizes(self, size, expected):
        (picture,) = annotate_frames(
            make_frames(1, *size), np.full((1, 3), 0.5), 10.0, "abc"
        )
        height, width = picture.shape[:2]
        self.assertEqual((height % 2, width % 2), (0, 0))
        self.assertEqual(width, expected[1])
        rows = np.flatnonzero(find(picture, FRAME).any(1))
        self.assertEqual(rows[0], 0)
        self.assertBetween(rows[-1] + 1, expected[0] - 1, expected[0])
        # Time and three rows of at least 20 pixels.
        self.assertGreater(height - expected[0], 80)

    def test_bars(self):
        scores = np.array([[0.25, 0.9, 0.5, 0.0]])
        (picture,) = annotate_frames(
            make_frames(1), scores, 10.0, "abcd", threshold=0.5
        )
        bars = picture[:, 202:427]
        lengths = []
        for color in (ACTIVE, INACTIVE):
            mask = find(bars, color)
            starts = np.flatnonzero(np.diff(mask.any(1).astype(int)) == 1)
            lengths.append([int(mask[start + 5].sum()) for start in starts])
        # Of 225 pixels. The mark of the threshold hides two of the first.
        self.assertEqual(lengths, [[202 - 2, 112 - 1], [56]])
        columns = np.flatnonzero(find(bars, THRESHOLD).any(0))
        self.assertLen(columns, 2)
        marks = find(picture[:, :22], ACTIVE).any(1).astype(int)
        self.assertEqual((np.diff(marks) == 1).sum(), 2)

    def test_names_change_once_per_second(self):
        # The second class is ahead from frame 6 on.
        scores = np.zeros((12, 2))
        scores[:, 0] = 0.5
        scores[6:, 1] = 1.0
        pictures = list(
            annotate_frames(make_frames(12), scores, 4.0, ["iii", "MMM"])
        )
        names = [picture[382:, 20:200] for picture in pictures]
        changes = [
            i
            for i in range(1, 12)
            if not np.array_equal(names[i], names[i - 1])
        ]
        self.assertEqual(changes, [8])
        self.assertLen({picture.tobytes() for picture in pictures}, 12)

    def test_long_and_strange_names_fit(self):
        names = ["a" * 300, "日本語" * 50, "مشي", "$x$ <b>&\n", ""]
        (picture,) = annotate_frames(
            make_frames(1), np.full((1, 5), 0.7), 10.0, names
        )
        # Nothing but the bars is where the bars are.
        bars = picture[390:490, 200:427].reshape(-1, 3)
        colors = {tuple(color) for color in bars.tolist()}
        self.assertLessEqual(
            colors, {(26, 26, 26), (64, 64, 64), ACTIVE, THRESHOLD}
        )

    def test_frames_are_taken_one_by_one(self):
        taken = []

        def make():
            for frame in make_frames(5):
                taken.append(frame)
                yield frame

        annotated = annotate_frames(make(), np.zeros((5, 1)), 10.0, "a")
        for count in range(1, 6):
            next(annotated)
            self.assertLen(taken, count)
        np.testing.assert_array_equal(taken[0], make_frames(1)[0])

    def test_fonts(self):
        self.assertIn("DejaVu", find_font("Öffnen €"))
        # No font has this character.
        self.assertIn("DejaVu", find_font("\U0010fffd"))

    def test_invalid_arguments(self):
        for kwargs, message in (
            ({"scores": np.zeros(3)}, r"scores.shape=\(3,\)"),
            ({"scores": np.zeros((3, 1))}, r"scores.shape=\(3, 1\)"),
            ({"scores": np.full((3, 2), 2)}, "from 2 to 2"),
            ({"scores": np.full((3, 2), np.nan)}, "from nan"),
            ({"fps": 0}, "fps=0"),
            ({"threshold": 2}, "threshold=2"),
            ({"max_classes": 0}, "max_classes=0"),
        ):
            kwargs = {
                "frames": make_frames(3),
                "scores": np.zeros((3, 2)),
                "fps": 1.0,
                "class_names": "ab",
                **kwargs,
            }
            with self.assertRaisesRegex(ValueError, message):
                annotate_frames(**kwargs)
        three = make_frames(3)
        for frames, message in (
            (three[:2], "3 rows, and 2 frames"),
            ([], "3 rows, and 0 frames"),
            ([*three, three[0]], "3 rows, and more frames"),
            ([three[0][0]], r"shape=\(1, 160, 3\)"),
            ([three[0], three[1][:9]], r"\(9, 160, 3\) and \(120, 160, 3\)"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                list(annotate_frames(frames, np.zeros((3, 2)), 1.0, "ab"))
