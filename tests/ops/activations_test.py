import keras
import numpy as np
from absl.testing import parameterized
from ops.gradients import to_numpy
from ops.op_test_case import OpTestCase

from ssdet_keras import ops

ACTIVATIONS = {
    "silu": (ops.silu, lambda x: x / (1 + np.exp(-x))),
    "relu": (ops.relu, lambda x: np.maximum(x, 0)),
    "add_relu": (ops.add_relu, lambda x, y: np.maximum(x + y, 0)),
}


class ActivationsTest(OpTestCase):
    @parameterized.product(
        name=tuple(ACTIVATIONS), dtype=("float32", "float16", "bfloat16")
    )
    def test_reference(self, name, dtype):
        op, reference = ACTIVATIONS[name]
        num_inputs = reference.__code__.co_argcount
        arrays = self.draw(*[(2, 3, 5, 4, 3)] * num_inputs, dtype=dtype)
        num_terms = [4] * (1 + num_inputs)
        self.assert_equals_reference(
            op, reference, arrays, num_terms, dtype=dtype
        )

    def test_values(self):
        x = keras.ops.convert_to_tensor([-2.0, 0.0, 0.5, 100.0])
        y = keras.ops.convert_to_tensor([3.0, -1.0, 0.25, -200.0])
        outputs = [ops.silu(x), ops.relu(x), ops.add_relu(x, y)]
        expected = [
            [-0.238406, 0, 0.311230, 100],
            [0, 0, 0.5, 100],
            [1, 0, 0.75, 0],
        ]
        for actual, wanted in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(to_numpy(actual), wanted, rtol=1e-5)

    def test_inputs_are_kept_while_gradients_are_recorded(self):
        # Without gradients, PyTorch's may overwrite the first.
        arrays = [
            array.astype("float32")
            for array in self.draw(
                (2, 2, 3, 3, 2), (2, 2, 3, 3, 2), (2, 2), (2,), (2, 2), (2,)
            )
        ]
        x, y, *weights = map(keras.ops.convert_to_tensor, arrays)
        for function, inputs in (
            (ops.silu, (x,)),
            (ops.relu, (x,)),
            (ops.add_relu, (x, y)),
            (ops.squeeze_excite, (x, *weights)),
        ):
            function(*inputs)
            for tensor, array in zip((x, y, *weights), arrays, strict=True):
                np.testing.assert_array_equal(to_numpy(tensor), array)
