import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import Predictions


class PredictionsTest(parameterized.TestCase):
    def test_mapping(self):
        scores = {"a": np.zeros((2, 3)), "b": np.ones((4, 3), "float32")}
        predictions = Predictions(scores, class_names=("x", "y", "z"))
        self.assertEqual(list(predictions), ["a", "b"])
        self.assertLen(predictions, 2)
        self.assertIs(predictions["b"], scores["b"])
        self.assertIn("a", predictions)
        self.assertNotIn("c", predictions)
        self.assertEqual(predictions.num_classes, 3)
        self.assertEqual(predictions.class_names, ["x", "y", "z"])
        self.assertEqual(predictions.fps, {})
        self.assertIsNone(predictions.model)
        self.assertEqual(
            repr(predictions), "<Predictions: 2 videos, 3 classes>"
        )

    def test_times(self):
        predictions = Predictions(
            {"a": np.zeros((3, 1)), "b": np.zeros((2, 1))},
            fps={"a": 2.0, "b": None},
            stride=3,
            offset=1,
        )
        self.assertEqual(predictions.fps, {"a": 2.0})
        # Frames 1, 4 and 7 at two frames per second.
        self.assertEqual(predictions.times("a").tolist(), [0.5, 2.0, 3.5])
        self.assertEqual(predictions.times("a", 9.0).tolist(), [0.5, 2.0, 3.5])
        self.assertEqual(predictions.times("b", 9.0).tolist(), [0.0, 4.5])
        with self.assertRaisesRegex(ValueError, "`duration` .*video_id='b'"):
            predictions.times("b")

    def test_one_rate_for_all(self):
        scores = {"a": np.zeros((3, 1)), "b": np.zeros((2, 1))}
        predictions = Predictions(scores, fps=24)
        self.assertEqual(predictions.fps, {"a": 24.0, "b": 24.0})

    @parameterized.named_parameters(
        ("empty", {"scores": {}}, "at least one video"),
        ("rank", {"scores": {"a": np.zeros(3)}}, r"shape=\(3,\) for video a"),
        ("no_row", {"scores": {"a": np.zeros((0, 2))}}, r"shape=\(0, 2\)"),
        ("no_class", {"scores": {"a": np.zeros((2, 0))}}, r"shape=\(2, 0\)"),
        (
            "classes",
            {"scores": {"a": np.zeros((3, 2)), "b": np.zeros((3, 4))}},
            r"with 2 classes. Received: shape=\(3, 4\) for video b",
        ),
        ("dtype", {"scores": {"a": np.zeros((3, 2), int)}}, "dtype=int64 for"),
        ("nan", {"scores": {"a": [[np.nan]]}}, "nan for video a"),
        ("infinite", {"scores": {"a": [[np.inf]]}}, "inf for video a"),
        ("id", {"scores": {("a", 1): [[0.0]]}}, r"Received: \('a', 1\)"),
        ("empty_id", {"scores": {"": [[0.0]]}}, "Received: ''"),
        ("zero_byte", {"scores": {"a\0": [[0.0]]}}, r"a\\x00"),
        ("surrogate", {"scores": {"\ud800": [[0.0]]}}, "ud800"),
        ("few_names", {"class_names": ["x"]}, "2 different .* 1 names"),
        (
            "name_twice",
            {"class_names": ["x", "x"]},
            r"2 names, \['x'\] twice",
        ),
        ("name", {"class_names": ["x", 1]}, "A class name .* Received: 1"),
        ("fps", {"fps": 0}, "fps=0 for video a"),
        ("fps_of_other", {"fps": {"b": 24}}, "Received: video b"),
        ("stride", {"stride": 0}, "stride=0"),
        ("offset", {"offset": np.nan}, "offset=nan"),
        ("model", {"model": 3}, "`model` must be a text"),
        ("commit", {"commit": ""}, "`commit` must be a text"),
    )
    def test_invalid_arguments(self, kwargs, message):
        kwargs = {"scores": {"a": np.zeros((3, 2))}, **kwargs}
        with self.assertRaisesRegex(ValueError, message):
            Predictions(**kwargs)
