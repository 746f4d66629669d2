import itertools

import numpy as np
from absl.testing import parameterized
from ops.op_test_case import OpTestCase

from ssdet_keras import ops
from ssdet_keras.ops.convolution_shapes import new_lengths
from ssdet_keras.ops.convolution_shapes import pads


def convolve(x, kernel, bias, strides, padding):
    """The definition, tap by tap, in float64."""
    y = np.array(bias, "float64")
    size = kernel.shape[:3]
    x = np.pad(x, pad_widths(x.shape, size, strides, padding))
    for tap, window in windows(x, size, strides):
        y = y + window @ kernel[tap]
    return y


def pad_widths(shape, size, strides, padding):
    return [(0, 0), *pads(shape[1:4], size, strides, padding), (0, 0)]


def windows(x, size, strides):
    """Yields every tap, and a view of the values that it multiplies."""
    for tap in itertools.product(*map(range, size)):
        lasts = [n - k + 1 for n, k in zip(x.shape[1:4], size, strict=True)]
        slices = (
            slice(i, i + last, stride)
            for i, last, stride in zip(tap, lasts, strides, strict=True)
        )
        yield tap, x[:, *slices]


def convolve_gradients(x, kernel, strides, padding, gradient):
    """Gradients of `sum(convolve(x, kernel, bias) * gradient)`, in float64."""
    size = kernel.shape[:3]
    widths = pad_widths(x.shape, size, strides, padding)
    x_gradient, kernel_gradient = np.pad(0 * x, widths), np.zeros_like(kernel)
    for tap, window in windows(np.pad(x, widths), size, strides):
        kernel_gradient[tap] = np.einsum("bthwc,bthwf->cf", window, gradient)
    for tap, window in windows(x_gradient, size, strides):
        window += gradient @ kernel[tap].T
    inner = (
        slice(before, before + length)
        for (before, _), length in zip(widths, x.shape, strict=True)
    )
    bias_gradient = gradient.sum((0, 1, 2, 3))
    return x_gradient[*inner], kernel_gradient, bias_gradient


CASES = (
    ("cube", (2, 3, 5, 4, 3), (3, 3, 3), (1, 1, 1), "same"),
    ("many_channels", (1, 3, 4, 3, 12), (3, 3, 3), (1, 1, 1), "same"),
    ("space", (2, 3, 5, 4, 3), (1, 3, 3), (1, 2, 2), "same"),
    ("time", (2, 4, 3, 4, 3), (3, 1, 1), (1, 1, 1), "same"),
    ("all_strides", (1, 5, 6, 7, 2), (3, 3, 3), (2, 2, 2), "same"),
    ("other_strides", (1, 5, 6, 7, 2), (3, 3, 3), (2, 1, 3), "same"),
    ("valid", (1, 4, 5, 4, 2), (2, 3, 2), (1, 2, 2), "valid"),
    ("tensorflow", (2, 4, 6, 5, 2), (3, 3, 3), (2, 2, 2), "tensorflow"),
    ("tensorflow_even", (1, 5, 4, 7, 2), (2, 4, 2), (1, 2, 2), "tensorflow"),
    ("stem", (1, 5, 8, 9, 3), (7, 7, 7), (2, 2, 2), "tensorflow"),
    ("one_frame", (2, 1, 2, 1, 16), (3, 3, 3), (1, 1, 1), "tensorflow"),
    ("smaller_than_kernel", (1, 1, 2, 1, 3), (7, 7, 7), (2, 2, 2), "same"),
)


class Conv3DTest(OpTestCase):
    def check(
        self,
        shape,
        kernel_size,
        strides,
        padding,
        use_bias=True,
        rectify=False,
        dtype="float32",
        **kwargs,
    ):
        filters = 4
        kernel_shape = (*kernel_size, shape[-1], filters)
        arrays = self.draw(shape, kernel_shape, (filters,), dtype=dtype)
        num_taps, num_pixels = np.prod(kernel_size), np.prod(shape[:-1])
        num_terms = [
            num_taps * shape[-1] + 1,
            num_taps * filters,
            num_pixels,
            num_pixels,
        ]
        if not use_bias:
            arrays.pop()
            num_terms.pop()

        def reference(x, kernel, bias=0):
            y = convolve(x, kernel, bias, strides, padding)
            return np.maximum(y, 0) if rectify else y

        def gradients(x, kernel, *others):
            *bias, gradient = others
            gradient = gradient * (
                not rectify or reference(x, kernel, *bias) > 0
            )
            return convolve_gradients(x, kernel, strides, padding, gradient)[
                : len(arrays)
            ]

        self.assert_equals_reference(
            lambda x, kernel, bias=None: ops.conv3d(
                x, kernel, bias, strides, padding, rectify
            ),
            reference,
            arrays,
            num_terms,
            dtype=dtype,
            reference_gradients=gradients,
            **kwargs,
        )
        self.assertEqual(
            new_lengths(shape[1:4], kernel_size, strides, padding),
            reference(*arrays).shape[1:4],
        )

    @parameterized.named_parameters(*CASES)
    def test_reference(self, shape, kernel_size, strides, padding):
        self.check(shape, kernel_size, strides, padding)

    @parameterized.named_parameters(*CASES)
    def test_unknown_sizes(self, shape, kernel_size, strides, padding):
        self.check(shape, kernel_size, strides, padding, unknown_sizes=True)

    @parameterized.product(use_bias=(False, True), stride=(1, 2))
    def test_rectify(self, use_bias, stride):
        self.check(
            (2, 3, 5, 4, 3),
            (3, 3, 3),
            (1, stride, stride),
            "same",
            use_bias,
            rectify=True,
        )

    @parameterized.product(dtype=("float16", "bfloat16"), stride=(1, 2))
    def test_low_precision(self, dtype, stride):
        self.check(
            (2, 3, 5, 4, 3),
            (3, 3, 3),
            (stride,) * 3,
            "tensorflow",
            dtype=dtype,
        )

    def test_without_gradients(self):
        arrays = self.draw((2, 3, 5, 4, 3), (3, 3, 3, 3, 4), (4,))
        y = convolve(*arrays, (2, 2, 2), "tensorflow")
        tensors = [self.to_tensor(array) for array in arrays]
        for rectify in (False, True):
            outputs = self.without_gradients(
                ops.conv3d, *tensors, (2, 2, 2), "tensorflow", rectify
            )
            expected = np.maximum(y, 0) if rectify else y
            np.testing.assert_allclose(outputs, expected, atol=1e-4)

    @parameterized.parameters(
        # TensorFlow's `SAME` has the larger half at the end.
        ((4, 5, 1), (3, 3, 3), (2, 2, 2), ((0, 1), (1, 1), (1, 1))),
        ((16, 17, 18), (7, 7, 7), (2, 2, 2), ((2, 3), (3, 3), (2, 3))),
        ((4, 4, 4), (3, 1, 2), (1, 1, 1), ((1, 1), (0, 0), (0, 1))),
    )
    def test_pads_of_tensorflow(self, lengths, size, strides, expected):
        self.assertEqual(pads(lengths, size, strides, "tensorflow"), expected)

    def test_unknown_lengths(self):
        lengths = (None, 5, 6)
        self.assertEqual(
            new_lengths(lengths, (3, 3, 3), (2, 2, 2), "tensorflow"),
            (None, 3, 3),
        )
        self.assertEqual(
            new_lengths(lengths, (2, 2, 2), (1, 1, 1), "valid"), (None, 4, 5)
        )
        with self.assertRaisesRegex(
            ValueError, r"input_shape=\(2, 1, 3\), kernel_size=\(2, 2, 2\)"
        ):
            new_lengths((2, 1, 3), (2, 2, 2), (1, 1, 1), "valid")
        with self.assertRaisesRegex(
            ValueError, r"strides=\(1, 2, 1\), kernel_size=\(1, 1, 1\)"
        ):
            new_lengths(lengths, (1, 1, 1), (1, 2, 1), "tensorflow")
        with self.assertRaisesRegex(ValueError, "padding='full'"):
            new_lengths(lengths, (3, 3, 3), (1, 1, 1), "full")
