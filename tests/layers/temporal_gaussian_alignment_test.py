import keras
import numpy as np
from coarse_fine_golden import read_golden
from layer_test_case import LayerTestCase
from ops.gradients import gradients
from ops.gradients import numerical_gradients
from ops.gradients import to_numpy

from ssdet_keras.layers.temporal_gaussian_alignment import (
    TemporalGaussianAlignment,
)

MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]], "float32")


def align(features, centers, attention):
    """The same in NumPy, a step of a clip at a time."""
    shape = (*centers.shape, *features.shape[2:])
    outputs = np.zeros(shape, features.dtype)
    for clip, n in np.ndindex(centers.shape):
        sums = weights = 0
        deviation = MASK[clip].sum() / 8
        for t in range(features.shape[1]):
            distance = (t - centers[clip, n]) / deviation
            weight = np.exp(-(distance**2) / 2) * MASK[clip, t]
            weight = weight * attention[clip, t]
            sums, weights = (
                sums + weight * features[clip, t],
                weights + weight,
            )
        outputs[clip, n] = sums / weights
    return outputs


class TemporalGaussianAlignmentTest(LayerTestCase):
    def test_values(self):
        # 8 valid steps: a deviation of 1.
        features = np.arange(9, dtype="float32").reshape(1, 9, 1, 1, 1)
        mask = np.array([[1] * 8 + [0]])
        centers = np.array([[0, 3.5]], "float32")
        weights = np.exp(-(np.arange(8) ** 2) / 2)
        expected = (weights * np.arange(8)).sum() / weights.sum()
        outputs = TemporalGaussianAlignment()(features, centers, mask)
        np.testing.assert_allclose(
            to_numpy(outputs).ravel(), [expected, 3.5], rtol=1e-5
        )

    def test_golden(self):
        golden = read_golden()
        centers = golden["start"][:, None] + (
            golden["positions"] * golden["num_frames"][:, None]
        )
        gaussians = TemporalGaussianAlignment().gaussians(
            centers, keras.ops.convert_to_tensor(golden["mask"])
        )
        np.testing.assert_allclose(
            to_numpy(gaussians),
            golden["gaussians"] * golden["mask"][:, None],
            atol=1e-6,
        )

    def test_naive_alignment_and_its_gradients(self):
        rng = np.random.default_rng(0)
        arrays = [
            self.draw(2, 6, 2, 3, 4),
            rng.uniform(0, 5, (2, 3)).astype("float32"),
            rng.uniform(0.1, 1, (2, 6, 2, 3, 1)).astype("float32"),
        ]
        gradient = self.draw(2, 3, 2, 3, 4, seed=1)
        layer = TemporalGaussianAlignment()
        outputs, actual = gradients(
            lambda x, centers, attention: layer(x, centers, MASK, attention),
            [keras.ops.convert_to_tensor(x) for x in arrays],
            keras.ops.convert_to_tensor(gradient),
        )
        np.testing.assert_allclose(to_numpy(outputs), align(*arrays), atol=1e-5)
        expected = numerical_gradients(align, arrays, gradient)
        for a, b in zip(actual, expected, strict=True):
            np.testing.assert_allclose(to_numpy(a), b, atol=1e-3)

    def test_invalid_steps_have_no_effect(self):
        features = self.draw(2, 6, 1, 1, 2)
        centers = np.array([[0, 4], [1, 5]], "float32")
        layer = TemporalGaussianAlignment()
        outputs = to_numpy(layer(features, centers, MASK))
        features[1, 4:] = 1e6
        changed = to_numpy(layer(features, centers, MASK))
        np.testing.assert_array_equal(changed, outputs)

    def test_far_centers_see_the_nearest_steps(self):
        features = self.draw(2, 6, 1, 1, 2)
        centers = np.array([[-900, 900]] * 2, "float32")
        outputs = TemporalGaussianAlignment()(features, centers, MASK)
        np.testing.assert_allclose(
            to_numpy(outputs)[:, :, 0, 0],
            [features[0, [0, 5], 0, 0], features[1, [0, 3], 0, 0]],
            atol=1e-5,
        )

    def test_nothing_valid(self):
        outputs = TemporalGaussianAlignment()(
            self.draw(1, 4, 1, 1, 2), np.array([[1.0]]), np.zeros((1, 4))
        )
        self.assertTrue(np.isfinite(to_numpy(outputs)).all())

    def test_low_precision_keeps_centers(self):
        features = np.arange(400, dtype="float32").reshape(1, 400, 1, 1, 1)
        outputs = TemporalGaussianAlignment(dtype="mixed_float16")(
            features / 400, np.array([[200.3]], "float32"), np.ones((1, 400))
        )
        self.assertEqual(
            keras.backend.standardize_dtype(outputs.dtype), "float16"
        )
        np.testing.assert_allclose(
            to_numpy(outputs).ravel(), 200.3 / 400, atol=1e-3
        )

    def test_unknown_sizes(self):
        layer = TemporalGaussianAlignment()
        inputs = [
            keras.Input((None, None, None, 2)),
            keras.Input((None,)),
            keras.Input((None,)),
        ]
        model = keras.Model(inputs, layer(*inputs))
        self.assertEqual(model.output_shape, (None, None, None, None, 2))
        for steps, outputs in ((3, 5), (6, 2)):
            arrays = [
                self.draw(2, steps, 2, 3, 2),
                np.ones((2, outputs), "float32"),
                np.ones((2, steps), "float32"),
            ]
            np.testing.assert_allclose(
                model.predict_on_batch(arrays),
                to_numpy(layer(*arrays)),
                atol=1e-6,
            )

    def test_round_trip(self):
        self.run_round_trip_test(TemporalGaussianAlignment(name="alignment"))
