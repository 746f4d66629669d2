import pathlib
import tempfile

import keras
import numpy as np
from absl.testing import parameterized
from keras import ops

from ssdet_keras.evaluation import FrameAveragePrecision
from ssdet_keras.evaluation import average_precision

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(20, 6, 4)).astype("float32")
# The last of the four classes has no positive.
LABELS = (RNG.random((20, 6, 4)) < [0.3, 0.3, 0.1, 0]).astype("float32")
WEIGHTS = (RNG.random((20, 6)) < 0.8).astype("float32")


def expect(scores, labels, is_valid=slice(None)):
    """Returns the mean over the classes with a positive."""
    scores, labels = (
        np.reshape(x, (-1, np.shape(x)[-1]))[is_valid] for x in (scores, labels)
    )
    return np.nanmean(average_precision(scores, labels))


def make_model(**kwargs):
    model = keras.Sequential([keras.Input((6, 4)), keras.layers.Dense(4)])
    model.compile("sgd", "mse", **kwargs)
    return model


class EpochLogs(keras.callbacks.Callback):
    """Keeps what callbacks are given."""

    def __init__(self):
        super().__init__()
        self.batches, self.epochs = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(logs["mean_average_precision"])

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(
            (logs["mean_average_precision"], logs["val_mean_average_precision"])
        )


class FrameAveragePrecisionTest(parameterized.TestCase):
    def test_by_hand(self):
        metric = FrameAveragePrecision(capacity=4)
        metric.update_state([[[1.0], [0.0]]], [[[0.9], [0.8]]])
        self.assertEqual(float(metric.result()), 1.0)
        metric.update_state([[[1.0], [0.0]]], [[[0.7], [0.6]]])
        self.assertAlmostEqual(float(metric.result()), (1 + 2 / 3) / 2, 6)
        metric.reset_state()
        metric.update_state([[[0.0], [1.0]]], [[[0.5], [0.5]]])
        self.assertEqual(float(metric.result()), 0.5)

    def test_ties_are_in_input_order(self):
        rng = np.random.default_rng(1)
        scores = rng.integers(-2, 3, (12, 5, 3)) / 4
        labels = (rng.random((12, 5, 3)) < 0.4).astype("float32")
        metric = FrameAveragePrecision(capacity=100)
        for rows in (slice(0, 5), slice(5, 6), slice(6, 12)):
            metric.update_state(labels[rows], scores[rows])
        self.assertEqual(
            float(metric.result()), np.float32(expect(scores, labels))
        )

    @parameterized.parameters("float16", "bfloat16")
    def test_low_precision(self, dtype):
        scores = ops.cast(FEATURES, dtype)
        metric = FrameAveragePrecision(capacity=120)
        metric.update_state(LABELS, scores)
        expected = ops.convert_to_numpy(ops.cast(scores, "float32"))
        self.assertEqual(
            float(metric.result()), np.float32(expect(expected, LABELS))
        )

    def test_frames_that_are_left_out(self):
        is_valid = WEIGHTS.reshape(-1) > 0
        expected = np.float32(expect(FEATURES, LABELS, is_valid))
        metric = FrameAveragePrecision(capacity=120)
        metric.update_state(LABELS, FEATURES, 2 * WEIGHTS)
        self.assertEqual(float(metric.result()), expected)
        metric.reset_state()
        metric.update_state(LABELS, FEATURES, WEIGHTS.astype(bool))
        self.assertEqual(float(metric.result()), expected)
        metric.reset_state()
        metric.update_state(
            np.where(WEIGHTS[..., None] > 0, LABELS, -1), FEATURES
        )
        self.assertEqual(float(metric.result()), expected)
        metric.reset_state()
        metric.update_state(LABELS, FEATURES, np.arange(20.0) < 10)
        expected = expect(FEATURES[:10], LABELS[:10])
        self.assertEqual(float(metric.result()), np.float32(expected))

    def test_soft_labels(self):
        metric = FrameAveragePrecision(capacity=120)
        metric.update_state(0.5 * LABELS + 0.2, FEATURES)
        expected = np.float32(expect(FEATURES, LABELS))
        self.assertEqual(float(metric.result()), expected)

    def test_nothing_to_rank(self):
        metric = FrameAveragePrecision(capacity=120)
        self.assertEqual(float(metric.result()), 0.0)
        metric.update_state(0 * LABELS, FEATURES)
        self.assertEqual(float(metric.result()), 0.0)
        metric.reset_state()
        metric.update_state(LABELS, FEATURES, 0 * WEIGHTS)
        self.assertEqual(float(metric.result()), 0.0)

    @parameterized.parameters({}, {"jit_compile": True}, {"run_eagerly": True})
    def test_fit_and_evaluate(self, **kwargs):
        if kwargs.get("jit_compile") and keras.config.backend() == "torch":
            self.skipTest("torch.compile needs a compiler.")
        metric = FrameAveragePrecision(capacity=120)
        model = make_model(weighted_metrics=[metric], **kwargs)
        logs = EpochLogs()
        arguments = (FEATURES, LABELS, WEIGHTS)
        model.fit(
            FEATURES,
            LABELS,
            sample_weight=WEIGHTS,
            # The last batch is smaller.
            batch_size=8,
            epochs=2,
            verbose=0,
            validation_data=arguments,
            callbacks=[logs],
        )
        is_valid = WEIGHTS.reshape(-1) > 0
        scores = model.predict(FEATURES, verbose=0)
        expected = np.float32(expect(scores, LABELS, is_valid))
        self.assertEqual(set(logs.batches), {0.0})
        self.assertAlmostEqual(logs.epochs[1][1], expected, places=6)
        self.assertGreater(logs.epochs[0][0], 0.1)
        out = model.evaluate(
            FEATURES,
            LABELS,
            sample_weight=WEIGHTS,
            batch_size=7,
            verbose=0,
            return_dict=True,
        )
        self.assertAlmostEqual(
            out["mean_average_precision"], expected, places=6
        )
        model.test_on_batch(FEATURES, LABELS, WEIGHTS)
        self.assertAlmostEqual(
            float(model.get_metrics_result()["mean_average_precision"]),
            expected,
            places=6,
        )

    def test_unknown_number_of_frames(self):
        model = keras.Sequential(
            [keras.Input((None, 4)), keras.layers.Dense(4)]
        )
        metric = FrameAveragePrecision(capacity=120)
        model.compile("sgd", "mse", metrics=[metric])
        out = model.evaluate(FEATURES, LABELS, batch_size=6, verbose=0)
        scores = model.predict(FEATURES, verbose=0)
        self.assertAlmostEqual(out[1], expect(scores, LABELS), places=6)

    def test_save_and_load(self):
        model = make_model(metrics=[FrameAveragePrecision(10_000)])
        expected = model.evaluate(FEATURES, LABELS, verbose=0)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.keras"
            model.save(path)
            # What it has kept is not saved.
            self.assertLess(path.stat().st_size, 40_000)
            model = keras.models.load_model(path)
        out = model.evaluate(FEATURES, LABELS, verbose=0)
        np.testing.assert_allclose(out, expected, rtol=1e-6)

    def test_config(self):
        metric = FrameAveragePrecision(capacity=7, name="map")
        config = keras.saving.serialize_keras_object(metric)
        metric = keras.saving.deserialize_keras_object(config)
        self.assertEqual((metric.capacity, metric.name), (7, "map"))

    def test_exceeded_capacity(self):
        metric = FrameAveragePrecision(capacity=119)
        metric.update_state(LABELS[:10], FEATURES[:10])
        self.assertGreater(float(metric.result()), 0.0)
        metric.update_state(LABELS[10:], FEATURES[10:])
        with self.assertRaisesRegex(ValueError, "capacity=119, 120 frames"):
            metric.result()
        # One batch alone.
        model = make_model(metrics=[FrameAveragePrecision(capacity=5)])
        with self.assertRaisesRegex(ValueError, "capacity=5, 120 frames"):
            model.evaluate(FEATURES, LABELS, verbose=0)

    @parameterized.named_parameters(
        ("rank", (2, 3), (2, 3)),
        ("frames", (2, 3, 4), (2, 2, 4)),
        ("classes", (2, 3, 1), (2, 3, 4)),
    )
    def test_invalid_shapes(self, true_shape, pred_shape):
        metric = FrameAveragePrecision(capacity=100)
        with self.assertRaisesRegex(ValueError, "`y_true` and `y_pred` must"):
            metric.update_state(np.zeros(true_shape), np.zeros(pred_shape))

    def test_invalid_values(self):
        with self.assertRaisesRegex(ValueError, "capacity=0"):
            FrameAveragePrecision(capacity=0)
        metric = FrameAveragePrecision(capacity=120)
        metric.update_state(LABELS, np.full_like(FEATURES, np.nan))
        with self.assertRaisesRegex(ValueError, "NaN in class 0"):
            metric.result()
