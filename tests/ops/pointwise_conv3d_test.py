import keras
import numpy as np
from absl.testing import parameterized
from ops.op_test_case import OpTestCase

from ssdet_keras import ops


class PointwiseConv3DTest(OpTestCase):
    def check(self, size, stride, use_bias=True, dtype="float32", **kwargs):
        batch, frames, height, width, channels = size
        filters = 4
        arrays = self.draw(size, (channels, filters), (filters,), dtype=dtype)
        num_pixels = batch * frames * height * width
        num_terms = [channels + 1, filters, num_pixels, num_pixels]
        if not use_bias:
            arrays.pop()
            num_terms.pop()
        self.assert_equals_reference(
            lambda x, kernel, bias=None: ops.pointwise_conv3d(
                x, kernel, bias, stride
            ),
            lambda x, kernel, bias=0: (
                x[:, :, ::stride, ::stride] @ kernel + bias
            ),
            arrays,
            num_terms,
            dtype=dtype,
            **kwargs,
        )

    @parameterized.named_parameters(
        ("stride_1", (2, 3, 5, 4, 3), 1),
        ("stride_2", (2, 3, 5, 4, 3), 2),
        ("stride_3", (3, 2, 7, 5, 2), 3),
        ("stride_over_size", (1, 2, 2, 1, 3), 4),
        ("one_pixel", (1, 1, 1, 1, 1), 1),
    )
    def test_reference(self, size, stride):
        self.check(size, stride)

    @parameterized.parameters(1, 2)
    def test_no_bias(self, stride):
        self.check((1, 2, 5, 3, 3), stride, use_bias=False)

    @parameterized.product(dtype=("float16", "bfloat16"), stride=(1, 2))
    def test_low_precision(self, dtype, stride):
        self.check((2, 2, 3, 5, 3), stride, dtype=dtype)

    @parameterized.product(
        stride=(1, 2),
        rectify=(False, True),
        kwargs=({}, {"dtype": "bfloat16"}, {"unknown_sizes": True}),
    )
    def test_shortcut(self, stride, rectify, kwargs):
        height, width = (5 + stride - 1) // stride, (3 + stride - 1) // stride
        arrays = self.draw(
            (2, 3, 5, 3, 3),
            (3, 4),
            (4,),
            (2, 3, height, width, 4),
            dtype=kwargs.get("dtype", "float32"),
        )

        def convolve(x, kernel, bias, shortcut):
            y = x[:, :, ::stride, ::stride] @ kernel + bias + shortcut
            return np.maximum(y, 0) if rectify else y

        self.assert_equals_reference(
            lambda x, kernel, bias, shortcut: ops.pointwise_conv3d(
                x, kernel, bias, stride, shortcut, rectify
            ),
            convolve,
            arrays,
            [5, 4, 90, 90, 1],
            **kwargs,
        )

    @parameterized.parameters(1, 2)
    def test_rectify(self, stride):
        x, kernel = self.draw((2, 3, 5, 3, 3), (3, 4))
        self.assert_equals_reference(
            lambda x, kernel: ops.pointwise_conv3d(
                x, kernel, stride=stride, rectify=True
            ),
            lambda x, kernel: np.maximum(
                x[:, :, ::stride, ::stride] @ kernel, 0
            ),
            [x, kernel],
            [4, 4, 90],
        )

    @parameterized.parameters(1, 2)
    def test_without_gradients(self, stride):
        x, kernel, bias, shortcut = self.draw(
            (2, 3, 4, 4, 3), (3, 4), (4,), (2, 3, 4 // stride, 4 // stride, 4)
        )
        y = x[:, :, ::stride, ::stride] @ kernel + bias
        expected = {
            (False, False): y,
            (False, True): np.maximum(y, 0),
            (True, False): y + shortcut,
            (True, True): np.maximum(y + shortcut, 0),
        }
        given = [
            keras.ops.convert_to_tensor(array, "float32")
            for array in (x, kernel, bias, shortcut)
        ]
        for (is_added, rectify), wanted in expected.items():
            outputs = self.without_gradients(
                ops.pointwise_conv3d,
                *given[:3],
                stride,
                given[3] if is_added else None,
                rectify,
            )
            np.testing.assert_allclose(outputs, wanted, atol=1e-5)
        # Nothing that was given is changed.
        for tensor, array in zip(
            given, (x, kernel, bias, shortcut), strict=True
        ):
            np.testing.assert_array_equal(
                keras.ops.convert_to_numpy(tensor), array.astype("float32")
            )

    @parameterized.parameters(1, 2)
    def test_unknown_sizes(self, stride):
        self.check((2, 3, 5, 3, 3), stride, unknown_sizes=True)

    def test_values(self):
        x = np.arange(24, dtype="float32").reshape(1, 1, 3, 4, 2)
        kernel = np.array([[1, 0, 1], [0, 1, 1]], "float32")
        bias = np.array([0, 0, 100], "float32")
        outputs = ops.pointwise_conv3d(
            *map(keras.ops.convert_to_tensor, (x, kernel, bias)), 2
        )
        self.assertEqual(
            keras.ops.convert_to_numpy(outputs).tolist(),
            [
                [
                    [
                        [[0, 1, 101], [4, 5, 109]],
                        [[16, 17, 133], [20, 21, 141]],
                    ]
                ]
            ],
        )
