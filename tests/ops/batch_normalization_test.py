import keras
import numpy as np
from absl.testing import parameterized
from ops.gradients import to_numpy
from ops.op_test_case import ROUNDOFF
from ops.op_test_case import OpTestCase

from ssdet_keras import ops

EPSILON = 1e-3


def normalize(x, gamma, beta, rectify):
    """The definition, in float64."""
    mean, variance = x.mean((0, 1, 2, 3)), x.var((0, 1, 2, 3))
    y = (x - mean) / np.sqrt(variance + EPSILON) * gamma + beta
    return np.maximum(y, 0) if rectify else y


class BatchNormalizationTest(OpTestCase):
    def check(self, arrays, rectify, roundings=1, dtype="float32", **kwargs):
        num_pixels = arrays[0][..., 0].size
        self.assert_equals_reference(
            lambda *arrays: ops.batch_normalization(
                *arrays, EPSILON, rectify=rectify
            )[0],
            lambda *arrays: normalize(*arrays, rectify),
            arrays,
            [8 * roundings, 8 * roundings, num_pixels * roundings, num_pixels],
            dtype=dtype,
            weights_dtype="float32",
            **kwargs,
        )

    @parameterized.named_parameters(
        ("linear", (2, 3, 5, 4, 3), False),
        ("rectified", (2, 3, 5, 4, 3), True),
        ("one_clip", (1, 2, 3, 1, 2), False),
        ("one_channel", (3, 1, 3, 3, 1), True),
    )
    def test_reference(self, shape, rectify):
        self.check(self.draw(shape, shape[-1:], shape[-1:]), rectify)

    @parameterized.product(dtype=("float16", "bfloat16"), rectify=(False, True))
    def test_low_precision(self, dtype, rectify):
        (x,) = self.draw((2, 2, 3, 4, 3), dtype=dtype)
        weights = self.draw((3,), (3,), seed=2)
        self.check([x, *weights], rectify, dtype=dtype)

    @parameterized.parameters(False, True)
    def test_unknown_sizes(self, rectify):
        arrays = self.draw((2, 3, 5, 4, 3), (3,), (3,))
        self.check(arrays, rectify, unknown_sizes=True)

    @parameterized.parameters(False, True)
    def test_large_mean(self, rectify):
        x, gamma, beta = self.draw((2, 3, 5, 4, 3), (3,), (3,))
        x = self.round(0.5 * x + [15, -15, 0], "float32")
        self.check([x, gamma, beta], rectify, roundings=30 * 8)

    @parameterized.product(
        dtype=("float32", "float16", "bfloat16"), mean=(0, 20)
    )
    def test_statistics(self, dtype, mean):
        (x,) = self.draw((2, 3, 5, 4, 3))
        x = self.round(x + mean, dtype)
        _, *statistics = ops.batch_normalization(
            keras.ops.convert_to_tensor(x, dtype),
            keras.ops.ones(3),
            keras.ops.zeros(3),
            EPSILON,
        )
        self.assertLen(statistics, 2)
        expected = x.mean((0, 1, 2, 3)), x.var((0, 1, 2, 3))
        for actual, wanted in zip(statistics, expected, strict=True):
            self.assertEqual(
                keras.backend.standardize_dtype(actual.dtype), "float32"
            )
            np.testing.assert_allclose(
                to_numpy(actual),
                wanted,
                atol=8 * (1 + mean**2) * ROUNDOFF["float32"],
            )

    @parameterized.parameters(0, 3, -20)
    def test_constant_channel(self, value):
        x = np.full((2, 2, 3, 3, 1), value, "float64")
        _, mean, variance = ops.batch_normalization(
            keras.ops.convert_to_tensor(x, "float32"),
            keras.ops.ones(1),
            keras.ops.zeros(1),
            EPSILON,
        )
        self.assertAlmostEqual(float(mean[0]), value, delta=1e-5)
        self.assertAlmostEqual(float(variance[0]), 0, delta=1e-7)
        # A rounding of the mean is multiplied by 2 / sqrt(epsilon).
        self.check(
            [x, np.array([2.0]), np.array([0.25])],
            rectify=True,
            roundings=16 * (1 + abs(value)),
        )

    def test_values(self):
        # Mean 2 and variance 1; -1 and 1 become -1 and 3.
        x = keras.ops.convert_to_tensor([[[[[1.0]]], [[[3.0]]]]])
        gamma, beta = keras.ops.full((1,), 2.0), keras.ops.ones(1)
        for rectify, expected in ((False, [-1, 3]), (True, [0, 3])):
            outputs, mean, variance = ops.batch_normalization(
                x, gamma, beta, 2e-5, rectify=rectify
            )
            np.testing.assert_allclose(
                to_numpy(outputs).ravel(), expected, atol=1e-4
            )
            np.testing.assert_allclose(to_numpy(mean), [2], rtol=1e-6)
            np.testing.assert_allclose(to_numpy(variance), [1], rtol=1e-5)

    @parameterized.parameters(False, True)
    def test_keeps_its_inputs(self, rectify):
        (x,) = self.draw((1, 2, 3, 3, 2))
        tensor = keras.ops.convert_to_tensor(x, "float32")
        ops.batch_normalization(
            tensor, keras.ops.ones(2), keras.ops.zeros(2), EPSILON, rectify
        )
        np.testing.assert_array_equal(to_numpy(tensor), x)
