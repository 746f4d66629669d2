import itertools

import keras
import numpy as np
from absl.testing import parameterized
from ops.op_test_case import OpTestCase

from ssdet_keras import ops


def convolve(x, kernel, stride):
    """The definition, tap by tap, in float64."""
    half = kernel.shape[0] // 2
    height, width = x.shape[2:4]
    x = np.pad(x, [(0, 0), (0, 0), (half, half), (half, half), (0, 0)])
    return sum(
        x[:, :, i : i + height : stride, j : j + width : stride] @ kernel[i, j]
        for i, j in itertools.product(range(len(kernel)), repeat=2)
    )


class SpatialConv3DTest(OpTestCase):
    def check(self, size, kernel_size, stride, dtype="float32", **kwargs):
        filters = 3
        kernel_shape = (kernel_size, kernel_size, size[-1], filters)
        self.assert_equals_reference(
            lambda x, kernel: ops.spatial_conv3d(x, kernel, stride),
            lambda x, kernel: convolve(x, kernel, stride),
            self.draw(size, kernel_shape, dtype=dtype),
            [
                kernel_size**2 * size[-1],
                kernel_size**2 * filters,
                np.prod(size[:-1]),
            ],
            dtype=dtype,
            **kwargs,
        )

    @parameterized.named_parameters(
        ("stride_1", (2, 2, 5, 4, 2), 3, 1),
        ("stride_2", (1, 2, 6, 5, 3), 3, 2),
        ("stride_2_odd", (3, 1, 5, 7, 1), 3, 2),
        ("large_kernel", (2, 2, 3, 4, 2), 5, 2),
        ("smaller_than_kernel", (1, 1, 2, 1, 2), 5, 2),
        ("stride_3", (1, 2, 7, 4, 2), 3, 3),
    )
    def test_reference(self, size, kernel_size, stride):
        self.check(size, kernel_size, stride)

    @parameterized.parameters("float16", "bfloat16")
    def test_low_precision(self, dtype):
        self.check((2, 2, 5, 4, 3), 3, 2, dtype=dtype)

    def test_unknown_sizes(self):
        self.check((2, 3, 5, 4, 3), 3, 2, unknown_sizes=True)

    def test_symmetric_padding(self):
        # [0 1 2], [2 3 4]: TensorFlow's SAME would give [1 2 3], [3 4 0].
        x = np.arange(1, 5, dtype="float32").reshape(1, 1, 4, 1, 1)
        x = np.tile(x, (1, 1, 1, 4, 1))
        kernel = np.zeros((3, 3, 1, 1), "float32")
        kernel[:, 1] = 1
        outputs = ops.spatial_conv3d(
            *map(keras.ops.convert_to_tensor, (x, kernel)), 2
        )
        outputs = keras.ops.convert_to_numpy(outputs)[0, 0, :, :, 0]
        self.assertEqual(outputs.tolist(), [[3, 3], [9, 9]])
