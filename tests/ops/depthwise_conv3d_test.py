import itertools

import keras
import numpy as np
from absl.testing import parameterized
from ops.op_test_case import OpTestCase

from ssdet_keras import ops
from ssdet_keras.ops.convolution_shapes import output_length
from ssdet_keras.ops.convolution_shapes import padding_amounts


def convolve(x, kernel, bias, strides, padding):
    """The definition, tap by tap, in float64."""
    amounts = padding_amounts(kernel.shape[:3], padding)
    x = np.pad(x, [(0, 0), *((n, n) for n in amounts), (0, 0)])
    lengths = [
        (x.shape[1 + axis] - kernel.shape[axis]) // strides[axis] + 1
        for axis in range(3)
    ]
    y = np.zeros((x.shape[0], *lengths, x.shape[-1])) + bias
    for tap in itertools.product(*map(range, kernel.shape[:3])):
        y += x[window(tap, lengths, strides)] * kernel[tap]
    return y


def convolve_gradients(x, kernel, strides, padding, gradient):
    """Gradients of `sum(convolve(x, kernel, bias) * gradient)`, in float64."""
    amounts = padding_amounts(kernel.shape[:3], padding)
    padded = np.pad(x, [(0, 0), *((n, n) for n in amounts), (0, 0)])
    x_gradient, kernel_gradient = np.zeros_like(padded), np.zeros_like(kernel)
    for tap in itertools.product(*map(range, kernel.shape[:3])):
        taken = window(tap, gradient.shape[1:4], strides)
        x_gradient[taken] += kernel[tap] * gradient
        kernel_gradient[tap] = (padded[taken] * gradient).sum((0, 1, 2, 3))
    inner = tuple(
        slice(n, n + size)
        for n, size in zip(amounts, x.shape[1:4], strict=True)
    )
    bias_gradient = gradient.sum((0, 1, 2, 3))
    return x_gradient[(slice(None), *inner)], kernel_gradient, bias_gradient


def window(tap, lengths, strides):
    return (
        slice(None),
        *(
            slice(start, start + (length - 1) * stride + 1, stride)
            for start, length, stride in zip(tap, lengths, strides, strict=True)
        ),
    )


class DepthwiseConv3DTest(OpTestCase):
    def check(
        self,
        shape,
        kernel_size,
        strides,
        padding,
        use_bias=True,
        dtype="float32",
        **kwargs,
    ):
        channels = shape[-1]
        arrays = self.draw(
            shape, (*kernel_size, channels), (channels,), dtype=dtype
        )
        num_taps, num_pixels = np.prod(kernel_size), np.prod(shape[:-1])
        num_terms = [num_taps + 1, num_taps, num_pixels, num_pixels]
        if not use_bias:
            arrays.pop()
            num_terms.pop()

        def gradients(x, kernel, *others):
            results = convolve_gradients(
                x, kernel, strides, padding, others[-1]
            )
            return results[: len(arrays)]

        self.assert_equals_reference(
            lambda x, kernel, bias=None: ops.depthwise_conv3d(
                x, kernel, bias, strides, padding
            ),
            lambda x, kernel, bias=0: convolve(
                x, kernel, bias, strides, padding
            ),
            arrays,
            num_terms,
            dtype=dtype,
            reference_gradients=gradients,
            **kwargs,
        )

    @parameterized.named_parameters(
        ("cube", (3, 3, 5, 6, 4), (3, 3, 3), (1, 1, 1), "same"),
        ("space_stride", (2, 3, 5, 6, 4), (3, 3, 3), (1, 2, 2), "same"),
        ("odd_size_stride", (2, 4, 7, 5, 3), (3, 3, 3), (1, 2, 2), "same"),
        ("time_stride", (2, 5, 4, 4, 3), (3, 3, 3), (2, 1, 1), "same"),
        ("four_frames_of_eight", (1, 8, 3, 4, 2), (3, 3, 3), (2, 2, 2), "same"),
        ("all_strides", (2, 6, 7, 8, 2), (3, 5, 3), (3, 2, 2), "same"),
        ("time_only", (2, 6, 3, 4, 5), (5, 1, 1), (1, 1, 1), "same"),
        ("time_only_stride", (2, 6, 3, 4, 5), (5, 1, 1), (2, 1, 1), "same"),
        ("time_only_valid", (2, 6, 3, 4, 5), (5, 1, 1), (1, 1, 1), "valid"),
        ("space_only", (2, 3, 4, 5, 3), (1, 3, 5), (1, 1, 1), "same"),
        ("smaller_than_kernel", (1, 1, 2, 2, 3), (5, 3, 5), (1, 1, 1), "same"),
        ("smaller_strided", (2, 1, 2, 1, 3), (5, 5, 3), (1, 2, 2), "same"),
        ("smaller_time_stride", (1, 2, 1, 2, 3), (5, 5, 3), (2, 2, 2), "same"),
        ("stride_over_kernel", (2, 5, 6, 4, 2), (3, 3, 3), (4, 4, 4), "same"),
        ("stride_of_one_tap", (2, 3, 5, 4, 2), (1, 1, 1), (2, 2, 2), "same"),
        ("one_frame", (2, 1, 4, 5, 3), (3, 3, 3), (1, 2, 2), "same"),
        ("one_frame_time_only", (1, 1, 3, 2, 3), (5, 1, 1), (1, 1, 1), "same"),
        ("one_pixel", (1, 1, 1, 1, 2), (3, 3, 3), (1, 1, 1), "same"),
        ("valid", (2, 5, 6, 7, 3), (3, 3, 3), (1, 1, 1), "valid"),
        ("valid_stride", (2, 3, 6, 8, 2), (3, 3, 3), (1, 2, 2), "valid"),
        ("valid_even_kernel", (2, 5, 6, 7, 3), (2, 4, 2), (1, 2, 2), "valid"),
        ("one_channel", (2, 4, 5, 5, 1), (3, 3, 3), (1, 1, 1), "same"),
    )
    def test_reference(self, shape, kernel_size, strides, padding):
        self.check(shape, kernel_size, strides, padding)

    @parameterized.named_parameters(
        ("cube", (3, 3, 3), (1, 2, 2)), ("time_only", (5, 1, 1), (1, 1, 1))
    )
    def test_no_bias(self, kernel_size, strides):
        shape = (2, 3, 5, 4, 3)
        self.check(shape, kernel_size, strides, "same", use_bias=False)

    @parameterized.product(
        ({"dtype": "float16"}, {"dtype": "bfloat16"}),
        (
            {"kernel_size": (3, 3, 3), "strides": (1, 1, 1)},
            {"kernel_size": (3, 3, 3), "strides": (1, 2, 2)},
            {"kernel_size": (5, 1, 1), "strides": (1, 1, 1)},
        ),
    )
    def test_low_precision(self, dtype, kernel_size, strides):
        shape = (2, 3, 5, 4, 3)
        self.check(shape, kernel_size, strides, "same", dtype=dtype)

    @parameterized.named_parameters(
        ("cube", (3, 3, 3), (1, 1, 1)),
        ("strides", (3, 3, 3), (2, 2, 2)),
        ("time_only", (5, 1, 1), (1, 1, 1)),
        ("smaller_than_kernel", (7, 7, 7), (1, 1, 1)),
    )
    def test_unknown_sizes(self, kernel_size, strides):
        shape = (2, 3, 5, 4, 3)
        self.check(shape, kernel_size, strides, "same", unknown_sizes=True)

    @parameterized.product(
        kernel_size=((3, 3, 3), (5, 1, 1)),
        stride=(1, 2),
        kwargs=({}, {"dtype": "float16"}, {"unknown_sizes": True}),
    )
    def test_rectify(self, kernel_size, stride, kwargs):
        arrays = self.draw(
            (2, 3, 5, 4, 3),
            (*kernel_size, 3),
            (3,),
            dtype=kwargs.get("dtype", "float32"),
        )
        strides, num_taps = (1, stride, stride), np.prod(kernel_size)

        def gradients(x, kernel, bias, gradient):
            y = convolve(x, kernel, bias, strides, "same")
            return convolve_gradients(
                x, kernel, strides, "same", gradient * (y > 0)
            )

        self.assert_equals_reference(
            lambda x, kernel, bias: ops.depthwise_conv3d(
                x, kernel, bias, strides, rectify=True
            ),
            lambda *arrays: np.maximum(convolve(*arrays, strides, "same"), 0),
            arrays,
            [num_taps + 1, num_taps, 120, 120],
            reference_gradients=gradients,
            **kwargs,
        )

    def test_symmetric_padding(self):
        # [0 1 2], [2 3 4]: TensorFlow's SAME would give [1 2 3], [3 4 0].
        x = np.arange(1, 5, dtype="float32").reshape(1, 1, 4, 1, 1)
        x = keras.ops.convert_to_tensor(np.tile(x, (1, 1, 1, 4, 1)))
        kernel = keras.ops.ones((1, 3, 1, 1))
        outputs = ops.depthwise_conv3d(x, kernel, None, (1, 2, 2), "same")
        outputs = keras.ops.convert_to_numpy(outputs)[0, 0, :, :, 0]
        self.assertEqual(outputs.tolist(), [[3, 3], [9, 9]])

    @parameterized.parameters((3, 1, 1, 7), (3, 2, 1, 4), (4, 2, 0, 2))
    def test_output_length(self, kernel_size, stride, padding, expected):
        self.assertEqual(
            output_length(7, kernel_size, stride, padding), expected
        )
        self.assertIsNone(output_length(None, kernel_size, stride, padding))

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(ValueError, "padding='SAME'"):
            padding_amounts((3, 3, 3), "SAME")
        with self.assertRaisesRegex(ValueError, r"kernel_size=\(2, 3, 3\)"):
            padding_amounts((2, 3, 3), "same")
