import os
import pathlib
import stat
import tempfile

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import load_predictions
from ssdet_keras.evaluation import save_predictions


class PredictionsTest(parameterized.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "scores"

    def test_round_trip(self):
        rng = np.random.default_rng(0)
        predictions = {
            "../a b/ü": rng.normal(size=(7, 3)).astype("float32"),
            "header": rng.normal(size=(2, 3)),
            "scores_000000": rng.normal(size=(0, 3)).astype("float16"),
        }
        save_predictions(
            self.path, predictions, class_names=["x", "y", "z"], fps=24.5
        )
        out, metadata = load_predictions(self.path)
        self.assertEqual(list(out), list(predictions))
        for key, scores in predictions.items():
            self.assertEqual(out[key].dtype, scores.dtype)
            np.testing.assert_array_equal(out[key], scores)
        self.assertEqual(
            metadata, {"class_names": ["x", "y", "z"], "fps": 24.5}
        )

    def test_is_readable_by_others(self):
        save_predictions(self.path, {"a": np.zeros((1, 1))})
        umask = os.umask(0)
        os.umask(umask)
        mode = stat.S_IMODE(self.path.stat().st_mode)
        self.assertEqual(mode, 0o666 & ~umask)

    def test_failure_keeps_earlier_file(self):
        save_predictions(self.path, {"a": np.zeros((1, 1))})
        before = self.path.read_bytes()
        with self.assertRaisesRegex(ValueError, "JSON"):
            save_predictions(self.path, {"a": np.ones((1, 1))}, x=object())
        self.assertEqual(self.path.read_bytes(), before)
        self.assertLen(list(self.path.parent.iterdir()), 1)

    @parameterized.named_parameters(
        ("empty", {}, "at least one video"),
        ("rank", {"a": np.zeros(3)}, r"shape=\(3,\)"),
        ("dtype", {"a": np.zeros((3, 3), object)}, "dtype=object for video a"),
        ("id", {(1, 2): np.zeros((3, 3)), "b": np.zeros(3)}, "video b"),
    )
    def test_invalid_predictions(self, predictions, message):
        with self.assertRaisesRegex(ValueError, message):
            save_predictions(self.path, predictions)
        self.assertEmpty(list(self.path.parent.iterdir()))

    def test_damaged_file(self):
        save_predictions(self.path, {"a": np.zeros((100, 100))})
        self.path.write_bytes(self.path.read_bytes()[:-100])
        with self.assertRaisesRegex(ValueError, "path=.*scores"):
            load_predictions(self.path)

    def test_other_files(self):
        for content in (b"", b"text", b"PK\x03\x04"):
            self.path.write_bytes(content)
            with self.assertRaisesRegex(ValueError, "path=.*scores"):
                load_predictions(self.path)
        with open(self.path, "wb") as file:
            np.save(file, np.zeros(3))
        with self.assertRaisesRegex(ValueError, "path=.*scores"):
            load_predictions(self.path)

    def test_pickles_are_refused(self):
        with open(self.path, "wb") as file:
            np.savez(file, header=np.array([{"ids": []}], object))
        with self.assertRaisesRegex(ValueError, "allow_pickle"):
            load_predictions(self.path)

    def test_no_file(self):
        with self.assertRaises(FileNotFoundError):
            load_predictions(self.path)
