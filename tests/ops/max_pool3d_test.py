import numpy as np
from absl.testing import parameterized
from ops.conv3d_test import pad_widths
from ops.conv3d_test import windows
from ops.op_test_case import OpTestCase

from ssdet_keras import ops

CASES = (
    ("cube", (2, 3, 5, 4, 3), (3, 3, 3), (1, 1, 1), "same"),
    ("space", (2, 3, 5, 6, 3), (1, 3, 3), (1, 2, 2), "same"),
    ("space_tensorflow", (2, 3, 5, 6, 3), (1, 3, 3), (1, 2, 2), "tensorflow"),
    ("all_strides", (1, 5, 6, 7, 2), (3, 3, 3), (2, 2, 2), "tensorflow"),
    ("halves", (1, 5, 4, 3, 2), (2, 2, 2), (2, 2, 2), "tensorflow"),
    ("valid", (1, 4, 5, 4, 2), (2, 3, 2), (1, 2, 2), "valid"),
    ("smaller_than_window", (2, 1, 1, 2, 3), (3, 3, 3), (2, 2, 2), "same"),
)


def pool(x, pool_size, strides, padding):
    widths = pad_widths(x.shape, pool_size, strides, padding)
    x = np.pad(x, widths, constant_values=-np.inf)
    return np.max([w for _, w in windows(x, pool_size, strides)], axis=0)


class MaxPool3DTest(OpTestCase):
    def check(self, shape, *args, dtype="float32", **kwargs):
        # All values are different, and negative: padding is not zeros.
        order = np.random.default_rng(0).permutation(np.prod(shape))
        x = (order.reshape(shape) - len(order)) / 4
        self.assert_equals_reference(
            lambda x: ops.max_pool3d(x, *args),
            lambda x: pool(x, *args),
            [x],
            [1, 27],
            dtype=dtype,
            **kwargs,
        )

    @parameterized.named_parameters(*CASES)
    def test_reference(self, *args):
        self.check(*args)

    @parameterized.named_parameters(*CASES)
    def test_unknown_sizes(self, *args):
        self.check(*args, unknown_sizes=True)

    @parameterized.parameters("float16", "bfloat16")
    def test_low_precision(self, dtype):
        self.check(
            (1, 3, 4, 4, 1), (3, 3, 3), (2, 2, 2), "tensorflow", dtype=dtype
        )

    def test_values(self):
        x = np.arange(1, 7, dtype="float32").reshape(1, 1, 1, 6, 1)
        for padding, expected in (
            ("same", [2, 4, 6]),
            ("tensorflow", [3, 5, 6]),
            ("valid", [3, 5]),
        ):
            outputs = self.without_gradients(
                ops.max_pool3d,
                self.to_tensor(x),
                (1, 1, 3),
                (1, 1, 2),
                padding,
            )
            self.assertEqual(outputs.ravel().tolist(), expected)
