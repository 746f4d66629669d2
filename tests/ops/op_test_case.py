"""Checks that every operation must pass."""

import keras
import numpy as np
from absl.testing import parameterized
from ops.gradients import gradients
from ops.gradients import gradients_of_unknown_sizes
from ops.gradients import numerical_gradients
from ops.gradients import to_numpy

ROUNDOFF = {"float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}


class OpTestCase(parameterized.TestCase):
    def draw(self, *shapes, dtype="float32", seed=0):
        """Returns float64 arrays that `dtype` represents exactly."""
        rng = np.random.default_rng(seed)
        return [self.round(rng.normal(size=shape), dtype) for shape in shapes]

    def round(self, array, dtype):
        tensor = keras.ops.convert_to_tensor(array, "float32")
        return to_numpy(keras.ops.cast(tensor, dtype)).astype("float64")

    def to_tensor(self, array):
        return keras.ops.convert_to_tensor(array, "float32")

    def without_gradients(self, op, *args):
        """Returns the outputs of an operation at inference, as an array."""
        if keras.config.backend() == "torch":
            import torch

            with torch.no_grad():
                return to_numpy(op(*args))
        return to_numpy(op(*args))

    def assert_equals_reference(
        self,
        op,
        reference,
        arrays,
        num_terms,
        dtype="float32",
        weights_dtype=None,
        reference_gradients=None,
        unknown_sizes=False,
    ):
        """Compares an operation, and its gradients, with float64.

        Args:
            op: Function of tensors.
            reference: Function of float64 arrays.
            arrays: The arguments of both: a video and weights.
            num_terms: Integers, how many terms are summed in an output and in
                each of the gradients. Each may lose a rounding in its product
                and one in the sum.
            dtype: Dtype of the video and the outputs.
            weights_dtype: Dtype of the weights, if another.
            reference_gradients: Function of the arrays and of the gradient of
                the outputs. Defaults to numerical gradients.
            unknown_sizes: Boolean. Whether TensorFlow knows only the channels.
        """
        if unknown_sizes and keras.config.backend() != "tensorflow":
            self.skipTest("Sizes are known on this backend.")
        expected = reference(*arrays)
        (gradient,) = self.draw(expected.shape, dtype=dtype, seed=1)
        if reference_gradients is None:
            expected_gradients = numerical_gradients(
                reference, arrays, gradient
            )
        else:
            expected_gradients = reference_gradients(*arrays, gradient)

        dtypes = [dtype] + [weights_dtype or dtype] * (len(arrays) - 1)
        run = gradients_of_unknown_sizes if unknown_sizes else gradients
        outputs, actual_gradients = run(
            op,
            [
                keras.ops.convert_to_tensor(array, array_dtype)
                for array, array_dtype in zip(arrays, dtypes, strict=True)
            ],
            keras.ops.convert_to_tensor(gradient, dtype),
        )
        results = zip(
            (outputs, *actual_gradients),
            (expected, *expected_gradients),
            (dtype, *dtypes),
            num_terms,
            strict=True,
        )
        for actual, wanted, result_dtype, terms in results:
            self.assertEqual(
                keras.backend.standardize_dtype(actual.dtype), result_dtype
            )
            self.assertEqual(tuple(actual.shape), wanted.shape)
            np.testing.assert_allclose(
                to_numpy(actual),
                wanted,
                rtol=2 * ROUNDOFF[dtype],
                atol=2 * terms * ROUNDOFF[dtype],
            )
