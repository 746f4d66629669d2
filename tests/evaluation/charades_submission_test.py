import gzip
import pathlib
import tempfile

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import Predictions
from ssdet_keras.evaluation import read_charades_submission
from ssdet_keras.evaluation import write_charades_submission


class CharadesSubmissionTest(parameterized.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, text):
        path = self.folder / "submission.txt"
        path.write_text(text)
        return path

    def test_read(self):
        path = self.write("AB 1 0.5 -1\nCD 25 1e-3 -Inf\n\nAB 3 2 3\n")
        with self.assertWarnsRegex(
            UserWarning, "47 frames of the 2 videos of .* missing"
        ):
            predictions = read_charades_submission(path)
        self.assertIsInstance(predictions, Predictions)
        self.assertEqual(list(predictions), ["AB", "CD"])
        self.assertEqual(predictions["AB"].shape, (25, 2))
        self.assertEqual(predictions["AB"].dtype, np.float64)
        self.assertEqual(predictions["AB"][0].tolist(), [0.5, -1.0])
        self.assertEqual(predictions["AB"][2].tolist(), [2.0, 3.0])
        self.assertEqual(np.isneginf(predictions["AB"]).all(1).sum(), 23)
        self.assertEqual(predictions["CD"][24].tolist(), [0.001, -np.inf])

    def test_frames_from_zero(self):
        path = self.write("a 0 7\na 24 8\nb 1 9\n")
        with self.assertWarnsRegex(UserWarning, "start at 0"):
            predictions = read_charades_submission(path)
        self.assertEqual(predictions["a"][[0, 24], 0].tolist(), [7, 8])
        self.assertEqual(predictions["b"][1, 0], 9)

    def test_frames_after_the_last(self):
        path = self.write("a 25 7\na 26 8\n")
        with self.assertWarnsRegex(UserWarning, "^1 lines .* ignored"):
            predictions = read_charades_submission(path)
        self.assertEqual(predictions["a"].max(), 7)

    @parameterized.product(
        name=["a.txt", "a.txt.gz"], dtype=["float16", "float32", "float64"]
    )
    def test_round_trip(self, name, dtype):
        rng = np.random.default_rng(0)
        predictions = {
            key: rng.normal(size=(25, 4)).astype(dtype)
            for key in ("x", "y", 'a,"b"', "ü视/频.mp4")
        }
        predictions["y"][3] = -np.inf
        predictions["y"][4, 1] = -np.inf
        path = self.folder / name
        write_charades_submission(path, predictions)
        with self.assertWarnsRegex(UserWarning, "1 frames of the 4 videos"):
            out = read_charades_submission(path)
        self.assertEqual(list(out), list(predictions))
        for key, scores in predictions.items():
            np.testing.assert_array_equal(out[key].astype(dtype), scores)
        data = path.read_bytes()
        text = gzip.decompress(data) if name.endswith(".gz") else data
        lines = text.decode().splitlines()
        self.assertLen(lines, 99)
        self.assertTrue(lines[0].startswith("x 1 "))
        self.assertEqual([p.name for p in self.folder.iterdir()], [name])

    def test_write_interpolates(self):
        path = self.folder / "a.txt"
        write_charades_submission(path, {"a": np.arange(50.0)[:, None]})
        out = read_charades_submission(path)["a"]
        self.assertEqual(out[:, 0].tolist(), list(range(0, 50, 2)))

    def test_write_at_true_times(self):
        # One row per second of a file of 12 s, whose annotation tells 10 s.
        scores = np.arange(12.0)[:, None]
        predictions = Predictions({"a": scores}, fps=1)
        path = self.folder / "a.txt"
        write_charades_submission(path, predictions, durations={"a": 10.0})
        out = read_charades_submission(path)["a"]
        np.testing.assert_allclose(out[:, 0], np.arange(25) / 25 * 10)
        # Without a duration, the rows are spread over the video.
        write_charades_submission(path, predictions)
        out = read_charades_submission(path)["a"]
        np.testing.assert_allclose(
            out[:, 0], np.minimum(np.arange(25) / 25 * 12, 11)
        )

    def test_compression_is_told_by_content(self):
        path = self.folder / "a.gz"
        write_charades_submission(path, {"a": np.zeros((25, 1))})
        other = self.folder / "a.txt"
        path.rename(other)
        self.assertEqual(read_charades_submission(other)["a"].max(), 0)

    @parameterized.named_parameters(
        ("empty", "\n", "at least one line"),
        ("frame", "a one 0.5\n", "'one' in .*submission.txt, line 1"),
        ("score", "a 1 0.5\na 2 x\n", "'x' in .*, line 2"),
        ("short", "a\n", "submission.txt, line 1"),
        ("no_scores", "a 1\n", "0 scores, .*, line 1"),
        ("nan", "a 1 nan\n", "1 of them NaN or .*, line 1"),
        ("infinite", "a 1 inf\n", r"1 of them NaN or \+inf, .*, line 1"),
        ("count", "a 1 1 2\na 2 1\n", "have 2 scores.* Received: 1 .*line 2"),
        ("twice", "a 1 1\na 1 2\n", "frame 1 of a again in .*, line 2"),
    )
    def test_invalid_file(self, text, message):
        with self.assertRaisesRegex(ValueError, message):
            read_charades_submission(self.write(text))

    @parameterized.named_parameters(
        ("empty", {}, "at least one video"),
        ("id", {"a b": np.zeros((2, 2))}, "'a b'"),
        ("empty_id", {"": np.zeros((2, 2))}, "''"),
        ("rank", {"a": np.zeros(2)}, r"shape=\(2,\) for video a"),
        (
            "classes",
            {"a": np.zeros((2, 2)), "b": np.zeros((2, 3))},
            r"shape=\(2, 3\) for video b",
        ),
        ("nan", {"a": np.full((2, 2), np.nan)}, "nan for video a"),
    )
    def test_invalid_predictions(self, predictions, message):
        path = self.folder / "a.txt"
        with self.assertRaisesRegex(ValueError, message):
            write_charades_submission(path, predictions)
        self.assertEmpty(list(self.folder.iterdir()))
