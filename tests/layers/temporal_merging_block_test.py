import keras
import numpy as np
from absl.testing import parameterized
from ops.gradients import to_numpy
from sequence_test_case import SequenceTestCase

from ssdet_keras.layers.temporal_merging_block import TemporalMergingBlock


class TemporalMergingBlockTest(SequenceTestCase):
    @parameterized.parameters((1, 5), (2, 5), (2, 6), (3, 1))
    def test_agrees_with_definition(self, stride, num_steps):
        layer = self.build(TemporalMergingBlock(3, stride), None, None, 4)
        x = self.draw(2, num_steps, 4)
        padded = np.pad(x, ((0, 0), (1, 1), (0, 0)))
        kernel, bias, gamma, beta = layer.get_weights()
        expected = []
        for t in range(0, num_steps, stride):
            y = np.einsum("bki,kio->bo", padded[:, t : t + 3], kernel) + bias
            y = (y - y.mean(axis=-1, keepdims=True)) / np.sqrt(
                y.var(axis=-1, keepdims=True) + 1e-5
            )
            expected.append(gamma * y + beta)
        outputs = to_numpy(layer(x))
        self.assertEqual(outputs.shape, layer.compute_output_shape(x.shape))
        np.testing.assert_allclose(outputs, np.stack(expected, 1), atol=1e-5)

    def test_padding_has_no_effect(self):
        layer = self.build(TemporalMergingBlock(3, 2), None, None, 4)
        x = self.draw(3, 9, 4)
        padded, mask = self.pad(x, (9, 6, 1), 12)
        outputs = to_numpy(layer(padded, mask=mask))
        out_mask = to_numpy(layer.compute_mask(padded, mask))
        np.testing.assert_array_equal(out_mask.sum(axis=1), [5, 3, 1])
        for i, length in enumerate((9, 6, 1)):
            expected = to_numpy(layer(x[i : i + 1, :length]))[0]
            np.testing.assert_allclose(
                outputs[i, : len(expected)], expected, atol=1e-5
            )

    def test_gives_its_mask_on(self):
        inputs = keras.layers.Masking()(np.ones((1, 5, 2), "float32"))
        outputs = TemporalMergingBlock(3, 2)(inputs)
        self.assertEqual(tuple(outputs._keras_mask.shape), (1, 3))

    def test_unknown_steps(self):
        self.run_unknown_steps_test(TemporalMergingBlock(3, 2), 4)

    def test_mixed_precision(self):
        self.run_mixed_precision_test(
            lambda dtype: TemporalMergingBlock(3, 2, dtype=dtype),
            self.draw(2, 9, 4),
        )

    def test_gradients(self):
        self.run_gradients_test(
            TemporalMergingBlock(3, 2), self.draw(2, 6, 4)
        )

    def test_round_trip(self):
        self.run_round_trip_test(TemporalMergingBlock(3, 2, name="merging"))

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(ValueError, "units=0, stride=1"):
            TemporalMergingBlock(0)
