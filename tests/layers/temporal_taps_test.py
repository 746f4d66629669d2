import keras
import numpy as np
from absl.testing import parameterized
from ops.gradients import to_numpy

from ssdet_keras.layers.temporal_taps import temporal_taps


class TemporalTapsTest(parameterized.TestCase):
    @parameterized.parameters(
        (3, 1, [[0, 1, 2], [1, 2, 3], [2, 3, 0]]),
        (3, 2, [[0, 0, 1], [1, 2, 3], [3, 0, 0]]),
        (3, 5, [[0, 0, 0], [1, 2, 3], [0, 0, 0]]),
        (1, 1, [[1, 2, 3]]),
    )
    def test_values(self, num_taps, dilation, expected):
        x = keras.ops.convert_to_tensor([[[1.0], [2.0], [3.0]]])
        taps = [to_numpy(t) for t in temporal_taps(x, num_taps, dilation)]
        np.testing.assert_array_equal(np.stack(taps)[:, 0, :, 0], expected)
