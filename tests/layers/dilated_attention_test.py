import numpy as np
from absl.testing import parameterized
from ops.gradients import to_numpy
from sequence_test_case import SequenceTestCase

from ssdet_keras.layers.dilated_attention import DilatedAttention


class DilatedAttentionTest(SequenceTestCase):
    @parameterized.parameters(1, 2, 9)
    def test_agrees_with_definition(self, dilation):
        layer = self.build(DilatedAttention(3, dilation), None, None, 4)
        x = self.draw(1, 6, 4)
        query, key, value = (
            x[0] @ to_numpy(dense.kernel)
            for dense in (layer.query, layer.key, layer.value)
        )
        relative = to_numpy(layer.relative)
        expected = np.zeros((6, 3))
        for t, c in np.ndindex(6, 3):
            taps = [t - dilation, t, t + dilation]
            keys, values = (
                [y[s, c] if 0 <= s < 6 else 0.0 for s in taps]
                for y in (key, value)
            )
            weights = np.exp(query[t, c] * np.array(keys))
            expected[t, c] = (weights / weights.sum()) @ (
                np.array(values) + relative[:, c]
            )
        np.testing.assert_allclose(to_numpy(layer(x))[0], expected, atol=1e-5)

    def test_unknown_steps(self):
        layer = DilatedAttention(2, 3)
        self.assertEqual(layer.compute_output_shape((1, None, 4)), (1, None, 2))

    def test_gradients(self):
        self.run_gradients_test(DilatedAttention(2, 2), self.draw(2, 6, 4))

    def test_round_trip(self):
        self.run_round_trip_test(DilatedAttention(2, 4, name="attention"))

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(ValueError, "filters=2, dilation=0"):
            DilatedAttention(2, 0)
