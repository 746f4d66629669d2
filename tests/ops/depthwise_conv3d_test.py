import itertools

import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras import ops
from ssdet_keras.ops.convolution_shapes import output_length
from ssdet_keras.ops.convolution_shapes import padding_amounts


def convolve(x, kernel, strides, padding):
    """The definition, tap by tap, in float64."""
    amounts = padding_amounts(kernel.shape[:3], padding)
    x = np.pad(x, [(0, 0), *((n, n) for n in amounts), (0, 0)])
    lengths = [
        (x.shape[1 + axis] - kernel.shape[axis]) // strides[axis] + 1
        for axis in range(3)
    ]
    y = np.zeros((x.shape[0], *lengths, x.shape[-1]))
    for tap in itertools.product(*map(range, kernel.shape[:3])):
        y += x[window(tap, lengths, strides)] * kernel[tap]
    return y


def convolve_gradients(x, kernel, strides, padding, gradient):
    """Gradients of `sum(convolve(x, kernel) * gradient)`, in float64."""
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
    return x_gradient[(slice(None), *inner)], kernel_gradient


def window(tap, lengths, strides):
    return (
        slice(None),
        *(
            slice(start, start + (length - 1) * stride + 1, stride)
            for start, length, stride in zip(tap, lengths, strides, strict=True)
        ),
    )


def gradients(function, arrays):
    """Gradients of a scalar function of arrays on the active backend."""
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tensors = [tf.constant(array) for array in arrays]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(*tensors)
        return [g.numpy() for g in tape.gradient(value, tensors)]
    if backend == "torch":
        import torch

        device = keras.ops.zeros(1).device
        tensors = [
            torch.tensor(array, requires_grad=True, device=device)
            for array in arrays
        ]
        function(*tensors).backward()
        return [t.grad.cpu().numpy() for t in tensors]
    import jax

    indices = tuple(range(len(arrays)))
    return [np.asarray(g) for g in jax.grad(function, indices)(*arrays)]


class DepthwiseConv3DTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("cube", (3, 5, 6, 4), (3, 3, 3), (1, 1, 1), "same"),
        ("space_stride", (3, 5, 6, 4), (3, 3, 3), (1, 2, 2), "same"),
        ("odd_size_stride", (4, 7, 5, 3), (3, 3, 3), (1, 2, 2), "same"),
        ("time_stride", (5, 4, 4, 3), (3, 3, 3), (2, 1, 1), "same"),
        ("all_strides", (6, 7, 8, 2), (3, 5, 3), (3, 2, 2), "same"),
        ("time_only", (6, 3, 4, 5), (5, 1, 1), (1, 1, 1), "same"),
        ("time_only_stride", (6, 3, 4, 5), (5, 1, 1), (2, 1, 1), "same"),
        ("time_only_valid", (6, 3, 4, 5), (5, 1, 1), (1, 1, 1), "valid"),
        ("shorter_than_kernel", (1, 2, 2, 3), (5, 3, 3), (1, 1, 1), "same"),
        ("valid", (5, 6, 7, 3), (3, 3, 3), (1, 1, 1), "valid"),
        ("valid_even_kernel", (5, 6, 7, 3), (2, 4, 2), (1, 2, 2), "valid"),
        ("one_channel", (4, 5, 5, 1), (3, 3, 3), (1, 1, 1), "same"),
    )
    def test_reference(self, shape, kernel_size, strides, padding):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(2, *shape))
        kernel = rng.normal(size=(*kernel_size, shape[-1]))
        expected = convolve(x, kernel, strides, padding)
        gradient = rng.normal(size=expected.shape)
        expected_gradients = convolve_gradients(
            x, kernel, strides, padding, gradient
        )

        arrays = [array.astype("float32") for array in (x, kernel)]
        outputs = ops.depthwise_conv3d(
            *map(keras.ops.convert_to_tensor, arrays), None, strides, padding
        )
        self.assertEqual(tuple(outputs.shape), expected.shape)
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(outputs), expected, atol=2e-5
        )

        weights = keras.ops.convert_to_tensor(gradient.astype("float32"))
        actual_gradients = gradients(
            lambda x, kernel: keras.ops.sum(
                ops.depthwise_conv3d(x, kernel, None, strides, padding)
                * weights
            ),
            arrays,
        )
        for actual, wanted in zip(
            actual_gradients, expected_gradients, strict=True
        ):
            np.testing.assert_allclose(actual, wanted, atol=1e-4)

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
