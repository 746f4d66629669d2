import numpy as np
from absl.testing import parameterized
from ops.gradients import to_numpy

from ssdet_keras.layers.mask_steps import mask_steps


class MaskStepsTest(parameterized.TestCase):
    @parameterized.parameters("bool", "float32", "int32")
    def test_values(self, dtype):
        x = np.array([[[1, 2], [np.nan, np.inf], [3, 4]]], "float32")
        mask = np.array([[1, 0, 1]], dtype)
        np.testing.assert_array_equal(
            to_numpy(mask_steps(x, mask)), [[[1, 2], [0, 0], [3, 4]]]
        )
        np.testing.assert_array_equal(
            to_numpy(mask_steps(x[..., None], mask))[..., 0],
            [[[1, 2], [0, 0], [3, 4]]],
        )

    def test_without_a_mask(self):
        x = np.ones((1, 2, 3))
        self.assertIs(mask_steps(x, None), x)
