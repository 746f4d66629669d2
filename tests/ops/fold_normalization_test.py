import keras
import numpy as np
from absl.testing import parameterized
from ops.gradients import to_numpy
from ops.op_test_case import OpTestCase

from ssdet_keras import ops

EPSILON = 1e-3


def fold(kernel, gamma, beta, mean, variance):
    """The definition, in float64: the rows of the kernel, and the bias."""
    scale = gamma / np.sqrt(variance + EPSILON)
    rows = (kernel * scale).reshape(-1, len(gamma))
    return np.concatenate([rows, (beta - mean * scale)[None]])


class FoldNormalizationTest(OpTestCase):
    @parameterized.product(
        shape=((3, 4), (3, 2, 1, 3)), dtype=("float32", "float16", "bfloat16")
    )
    def test_reference(self, shape, dtype):
        channels = shape[-1]

        def op(*arrays):
            kernel, bias = ops.fold_normalization(*arrays, EPSILON)
            rows = keras.ops.reshape(kernel, (-1, channels))
            return keras.ops.concatenate([rows, bias[None]])

        (kernel,) = self.draw(shape, dtype=dtype)
        weights = self.draw(*[(channels,)] * 4, seed=2)
        weights[-1] = self.round(np.abs(weights[-1]) + 0.5, "float32")
        num_rows = kernel[..., 0].size + 1
        self.assert_equals_reference(
            op,
            fold,
            [kernel, *weights],
            [4, 4] + [4 * num_rows] * 4,
            dtype=dtype,
            weights_dtype="float32",
        )

    def test_values(self):
        kernel = np.array([[1, 2], [3, 4]], "float32")
        gamma, beta, mean, variance = np.array(
            [[2, 1], [0, 1], [3, 4], [3, 15]], "float32"
        )
        # Scales 2 / sqrt(3 + 1) and 1 / sqrt(15 + 1).
        kernel, bias = ops.fold_normalization(
            *map(
                keras.ops.convert_to_tensor,
                (kernel, gamma, beta, mean, variance),
            ),
            1.0,
        )
        np.testing.assert_allclose(to_numpy(kernel), [[1, 0.5], [3, 1]])
        np.testing.assert_allclose(to_numpy(bias), [-3, 0], atol=1e-6)
