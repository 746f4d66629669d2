import unittest

import numpy as np

from ssdet_keras.training.ignore_padding import ignore_padding


class IgnorePaddingTest(unittest.TestCase):
    def test_values(self):
        labels = np.array([[[1, 0], [0, 0.5], [0, 1]]])
        before = labels.copy()
        outputs = ignore_padding(labels, np.array([[1.0, 1.0, 0.0]]))
        self.assertEqual(outputs.dtype, "float32")
        np.testing.assert_array_equal(outputs, [[[1, 0], [0, 0.5], [-1, -1]]])
        np.testing.assert_array_equal(labels, before)
