import os
import pathlib
import stat
import tempfile

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import Predictions
from ssdet_keras.evaluation import load_predictions
from ssdet_keras.evaluation import save_predictions


class PredictionFilesTest(parameterized.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = pathlib.Path(folder) / "scores"

    @parameterized.parameters("float16", "float32", "float64")
    def test_round_trip(self, dtype):
        rng = np.random.default_rng(0)
        scores = {
            "../a b/ü": rng.random((7, 3)).astype(dtype),
            "scores ": rng.random((2, 3)).astype(dtype),
            'q",\n': -np.full((1, 3), np.inf, dtype),
        }
        predictions = Predictions(
            scores,
            class_names=["x", "y, z", "ü"],
            fps={"scores ": 24.5},
            stride=2.5,
            offset=1,
            model="runs/a/model.keras",
            commit="0123abc",
        )
        save_predictions(self.path, predictions)
        out = load_predictions(self.path)
        self.assertIsInstance(out, Predictions)
        self.assertEqual(list(out), list(scores))
        for video_id, rows in scores.items():
            self.assertEqual(out[video_id].dtype, dtype)
            np.testing.assert_array_equal(out[video_id], rows)
        for name in (
            "class_names",
            "fps",
            "stride",
            "offset",
            "model",
            "commit",
            "num_classes",
        ):
            self.assertEqual(getattr(out, name), getattr(predictions, name))

    def test_dict(self):
        save_predictions(self.path, {"a": np.zeros((2, 1))}, fps=24)
        out = load_predictions(self.path)
        self.assertEqual(out.fps, {"a": 24.0})
        self.assertIsNone(out.class_names)
        self.assertIsNone(out.model)
        self.assertIsNone(out.commit)

    def test_attributes_beside_predictions(self):
        predictions = Predictions({"a": np.zeros((2, 1))}, class_names=["x"])
        with self.assertRaisesRegex(ValueError, "Received: model, fps beside"):
            save_predictions(self.path, predictions, model="m", fps=24)

    def test_arrays_of_the_file(self):
        scores = {"b": np.ones((2, 1)), "a": np.zeros((3, 1))}
        save_predictions(self.path, scores, fps={"a": 24}, stride=2)
        with np.load(self.path, allow_pickle=False) as archive:
            arrays = {name: archive[name].tolist() for name in archive.files}
        fps = arrays.pop("fps")
        self.assertTrue(np.isnan(fps[0]))
        self.assertEqual(fps[1], 24)
        self.assertEqual(
            arrays,
            {
                "version": 1,
                "video_ids": ["b", "a"],
                "num_rows": [2, 3],
                "scores": [[1.0], [1.0], [0.0], [0.0], [0.0]],
                "class_names": [],
                "stride": 2.0,
                "offset": 0.0,
                "model": "",
                "commit": "",
            },
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
        with self.assertRaisesRegex(ValueError, "nan for video a"):
            save_predictions(self.path, {"a": np.full((1, 1), np.nan)})
        self.assertEqual(self.path.read_bytes(), before)
        self.assertLen(list(self.path.parent.iterdir()), 1)

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

    def rewrite(self, **changes):
        """Saves two videos, and changes arrays of the file."""
        scores = {"a": np.zeros((2, 2)), "b": np.zeros((1, 2))}
        save_predictions(self.path, scores)
        with np.load(self.path) as archive:
            arrays = {**archive, **changes}
        with open(self.path, "wb") as file:
            np.savez(file, **arrays)

    @parameterized.named_parameters(
        ("version", {"version": 2}, "no format version 1"),
        ("ids", {"video_ids": ["a", "a"]}, "video a comes twice"),
        ("rows", {"num_rows": [2, 2]}, "3 rows of scores .* of 2 videos"),
        ("counts", {"num_rows": [3]}, "of 1 videos"),
        ("negative", {"num_rows": [4, -1]}, "for video b"),
        ("nan", {"scores": np.full((3, 2), np.nan)}, "nan for video a"),
        ("names", {"class_names": ["x"]}, "`class_names`"),
        ("pickle", {"video_ids": np.array(["a", 1], object)}, "allow_pickle"),
    )
    def test_invalid_file(self, changes, message):
        self.rewrite(**changes)
        with self.assertRaisesRegex(ValueError, f"path=.*scores.*{message}"):
            load_predictions(self.path)

    def test_file_of_another_program(self):
        with open(self.path, "wb") as file:
            np.savez(file, scores=np.zeros((3, 3)))
        with self.assertRaisesRegex(ValueError, "no format version 1"):
            load_predictions(self.path)

    def test_no_file(self):
        with self.assertRaises(FileNotFoundError):
            load_predictions(self.path)
