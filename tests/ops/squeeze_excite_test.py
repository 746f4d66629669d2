import keras
import numpy as np
from absl.testing import parameterized
from ops.op_test_case import OpTestCase

from ssdet_keras import ops


def scale(x, reduce_kernel, reduce_bias, expand_kernel, expand_bias):
    """The definition, in float64."""
    hidden = x.mean((1, 2, 3)) @ reduce_kernel + reduce_bias
    gates = np.maximum(hidden, 0) @ expand_kernel + expand_bias
    return x / (1 + np.exp(-gates[:, None, None, None]))


def scale_gradients(
    x, reduce_kernel, reduce_bias, expand_kernel, expand_bias, gradient
):
    """The gradients of `scale`, by hand."""
    means = x.mean((1, 2, 3))
    hidden = np.maximum(means @ reduce_kernel + reduce_bias, 0)
    gates = 1 / (1 + np.exp(-hidden @ expand_kernel - expand_bias))
    expanded = (x * gradient).sum((1, 2, 3)) * gates * (1 - gates)
    reduced = expanded @ expand_kernel.T * (hidden > 0)
    spread = reduced @ reduce_kernel.T / np.prod(x.shape[1:4])
    return (
        gradient * gates[:, None, None, None] + spread[:, None, None, None],
        means.T @ reduced,
        reduced.sum(0),
        hidden.T @ expanded,
        expanded.sum(0),
    )


class SqueezeExciteTest(OpTestCase):
    def check(self, shape, units=4, dtype="float32", **kwargs):
        channels, num_pixels = shape[-1], np.prod(shape[:-1])
        self.assert_equals_reference(
            ops.squeeze_excite,
            scale,
            self.draw(
                shape,
                (channels, units),
                (units,),
                (units, channels),
                (channels,),
                dtype=dtype,
            ),
            [channels + units] * 2 + [num_pixels] * 4,
            dtype=dtype,
            **kwargs,
        )

    @parameterized.named_parameters(
        ("odd_sizes", (2, 3, 5, 3, 3)),
        ("three_clips", (3, 2, 4, 3, 2)),
        ("one_clip", (1, 2, 3, 4, 5)),
        ("one_pixel", (2, 1, 1, 1, 3)),
    )
    def test_reference(self, shape):
        self.check(shape)

    def test_many_pixels(self):
        # Clips that don't fit into a cache, whose sums are others on torch.
        self.check((2, 8, 64, 64, 9), reference_gradients=scale_gradients)

    @parameterized.parameters("float16", "bfloat16")
    def test_low_precision(self, dtype):
        self.check((2, 3, 4, 3, 3), dtype=dtype)

    def test_unknown_sizes(self):
        self.check((2, 3, 5, 3, 3), unknown_sizes=True)

    def test_large_mean(self):
        # The means of many equal values keep their digits.
        x = np.full((1, 4, 40, 40, 2), 60, "float64")
        weights = [np.full((2, 1), 1 / 64), np.zeros(1), np.ones((1, 2))]
        weights.append(np.zeros(2))
        for dtype in ("float16", "bfloat16"):
            outputs = ops.squeeze_excite(
                *(
                    keras.ops.convert_to_tensor(array, dtype)
                    for array in (x, *weights)
                )
            )
            np.testing.assert_allclose(
                keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float32")),
                scale(x, *weights),
                rtol=0.01,
            )
