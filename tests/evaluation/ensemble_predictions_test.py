import math

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import Predictions
from ssdet_keras.evaluation import ensemble_predictions


class EnsemblePredictionsTest(parameterized.TestCase):
    def test_mean_of_scores(self):
        a = Predictions(
            {"v": np.array([[0.25], [1.0]], "float32")},
            class_names=["x"],
            fps=2,
            stride=3,
            model="a",
            commit="c",
        )
        b = Predictions({"v": np.array([[0.75], [0.0]], "float32")}, fps=2)
        b = Predictions(b, fps=2, stride=3, model="b")
        out = ensemble_predictions({"a": a, "b": b})
        self.assertEqual(out["v"].tolist(), [[0.5], [0.5]])
        self.assertEqual(out["v"].dtype, np.float32)
        self.assertEqual(out.class_names, ["x"])
        self.assertEqual((out.fps, out.stride), ({"v": 2.0}, 3))
        self.assertEqual((out.model, out.commit), ("a + b", "c"))

    def test_mean_of_logits(self):
        a, b = 0.9, 0.2
        logits = [math.log(p / (1 - p)) for p in (a, b)]
        expected = 1 / (1 + math.exp(-sum(logits) / 2))
        members = {
            name: Predictions({"v": np.array([[score]])})
            for name, score in (("a", a), ("b", b))
        }
        out = ensemble_predictions(members, mean="logits")
        self.assertAlmostEqual(float(out["v"][0, 0]), expected, places=14)

    def test_logits_of_certainty_and_missing_rows(self):
        members = {
            "a": Predictions({"v": np.array([[1.0], [0.0], [-np.inf]])}),
            "b": Predictions({"v": np.array([[0.0], [0.0], [0.5]])}),
        }
        out = ensemble_predictions(members, mean="logits")["v"][:, 0]
        self.assertAlmostEqual(out[0], 0.5)
        self.assertBetween(out[1], 0, 1e-6)
        self.assertEqual(out[2], -np.inf)
        out = ensemble_predictions(members)["v"][:, 0]
        self.assertEqual(out.tolist(), [0.5, 0.0, -np.inf])

    @parameterized.parameters("float16", "float32", "float64")
    def test_of_itself(self, dtype):
        scores = np.random.default_rng(0).random((9, 3)).astype(dtype)
        member = Predictions({"v": scores})
        for mean in ("scores", "logits"):
            out = ensemble_predictions({"a": member, "b": member}, mean)["v"]
            np.testing.assert_allclose(out, scores, rtol=1e-6)
            self.assertEqual(out.dtype, np.promote_types(dtype, "float32"))

    def test_different_rows(self):
        # Every second frame of a video of 2 frames per second, and 5 rows of
        # a video of 10 s: at 0, 2, 4, 6 and 8 s.
        frames = np.linspace(0, 1, 10)[:, None]
        samples = np.array([[0.0], [0.2], [0.4], [0.6], [0.8]])
        members = {
            "samples": Predictions({"v": samples}),
            "frames": Predictions({"v": frames}, fps=2, stride=2, offset=1),
        }
        out = ensemble_predictions(members, durations={"v": 10.0})
        times = 0.5 + np.arange(10)
        self.assertEqual(out.times("v").tolist(), times.tolist())
        # After 8 s the last sample is repeated.
        expected = (frames[:, 0] + np.minimum(times / 10, 0.8)) / 2
        np.testing.assert_allclose(out["v"][:, 0], expected, rtol=1e-12)
        with self.assertRaisesRegex(
            ValueError, "5 and 10 rows of video v, whose length"
        ):
            ensemble_predictions(members)

    def test_rates_of_different_files_may_round(self):
        scores = np.random.default_rng(0).random((100, 1))
        members = {
            str(fps): Predictions({"v": scores}, fps=fps)
            for fps in (29.97, 29.970000001)
        }
        out = ensemble_predictions(members)["v"]
        np.testing.assert_allclose(out, scores, rtol=1e-15)

    def test_video_that_a_member_lacks(self):
        zero, one = np.zeros((2, 1)), np.ones((2, 1))
        members = {
            "a": Predictions({"v": zero, "w": zero}),
            "b": Predictions({"v": one, "x": one}),
        }
        with self.assertWarnsRegex(UserWarning, "1 of 3 videos .* a, .*: x"):
            out = ensemble_predictions(members)
        means = {video_id: rows[0, 0] for video_id, rows in out.items()}
        self.assertEqual(means, {"v": 0.5, "w": 0.0, "x": 1.0})

    def test_video_that_the_longest_member_lacks(self):
        members = {
            "a": Predictions({"v": np.zeros((9, 1))}, fps=1),
            "b": Predictions({"w": np.zeros((2, 1))}, fps=1, stride=4),
        }
        with (
            self.assertRaisesRegex(ValueError, "Received: video w"),
            self.assertWarns(UserWarning),
        ):
            ensemble_predictions(members)

    def test_names_in_another_order(self):
        scores = {"v": np.zeros((1, 2))}
        members = {
            "a.npz": Predictions(scores, class_names=["x", "y"]),
            "b.npz": Predictions(scores),
            "c.npz": Predictions(scores, class_names=["y", "x"]),
        }
        with self.assertRaisesRegex(
            ValueError, "'x' is class 0 in a.npz, class 1 in c.npz"
        ):
            ensemble_predictions(members)

    def test_other_spelling(self):
        scores = {"v": np.zeros((1, 2))}
        members = {
            "a.npz": Predictions(scores, class_names=["c000", "y"]),
            "b.npz": Predictions(scores, class_names=["x", "y"]),
        }
        with self.assertWarnsRegex(
            UserWarning, "1 of 2 classes .* class 0 is 'c000' in a.npz, 'x' in"
        ):
            out = ensemble_predictions(members)
        self.assertEqual(out.class_names, ["c000", "y"])

    @parameterized.named_parameters(
        ("none", {}, "scores", "at least one"),
        ("mean", {"a": [[0.5]]}, "median", "mean='median'"),
        (
            "classes",
            {"a": [[0.5]], "b": [[0.5, 0.5]]},
            "scores",
            "1 classes of a, 2 of b",
        ),
        (
            "logits",
            {"a": [[0.5]], "b": [[1.5]]},
            "logits",
            "1.5 for video v of b",
        ),
        ("negative", {"a": [[-0.5]]}, "logits", "-0.5 for video v of a"),
    )
    def test_invalid_arguments(self, members, mean, message):
        members = {n: Predictions({"v": s}) for n, s in members.items()}
        with self.assertRaisesRegex(ValueError, message):
            ensemble_predictions(members, mean)
