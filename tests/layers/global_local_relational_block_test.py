import math

import numpy as np
from ops.gradients import to_numpy
from sequence_test_case import SequenceTestCase

from ssdet_keras.layers.global_local_relational_block import (
    GlobalLocalRelationalBlock,
)


def gelu(x):
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


class GlobalLocalRelationalBlockTest(SequenceTestCase):
    def test_agrees_with_definition(self):
        layer = self.build(GlobalLocalRelationalBlock(2, 3), None, None, 4)
        x = self.draw(1, 5, 4)[0]

        def norm(name, y):
            gamma, beta = getattr(layer, name).get_weights()
            y = y - y.mean(axis=-1, keepdims=True)
            y = y / np.sqrt((y**2).mean(axis=-1, keepdims=True) + 1e-5)
            return gamma * y + beta

        def dense(name, y):
            kernel, bias = getattr(layer, name).get_weights()
            return y @ kernel + bias

        y = norm("norm1", x)
        query, (key, value) = (
            dense("query", y),
            np.split(dense("key_value", y), 2, axis=-1),
        )
        attended = np.zeros((5, 4))
        for head in (slice(0, 2), slice(2, 4)):
            weights = np.exp(query[:, head] @ key[:, head].T / np.sqrt(2))
            weights /= weights.sum(axis=-1, keepdims=True)
            attended[:, head] = weights @ value[:, head]
        y = x + dense("project", attended)
        hidden = np.pad(dense("expand", norm("norm2", y)), ((1, 1), (0, 0)))
        kernel = to_numpy(layer.depthwise_kernel)
        hidden = sum(kernel[k] * hidden[k : k + 5] for k in range(3))
        hidden = gelu(hidden + to_numpy(layer.depthwise_bias))
        expected = y + dense("reduce", hidden)
        np.testing.assert_allclose(
            to_numpy(layer(x[None]))[0], expected, atol=2e-5
        )

    def test_padding_has_no_effect(self):
        self.run_padding_test(GlobalLocalRelationalBlock(2, 2), 4)

    def test_unknown_steps(self):
        self.run_unknown_steps_test(GlobalLocalRelationalBlock(2, 2), 4)

    def test_mixed_precision(self):
        self.run_mixed_precision_test(
            lambda dtype: GlobalLocalRelationalBlock(2, 2, dtype=dtype),
            self.draw(2, 9, 4),
        )

    def test_gradients(self):
        self.run_gradients_test(
            GlobalLocalRelationalBlock(2, 2), self.draw(2, 6, 4)
        )

    def test_round_trip(self):
        self.run_round_trip_test(GlobalLocalRelationalBlock(4, 2, name="block"))

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(ValueError, "num_heads=0, mlp_ratio=8"):
            GlobalLocalRelationalBlock(0)
        with self.assertRaisesRegex(
            ValueError, r"multiple of `num_heads`.*input_shape=\(1, 3, 12\)"
        ):
            GlobalLocalRelationalBlock()(np.ones((1, 3, 12), "float32"))
