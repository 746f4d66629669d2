import numpy as np
from absl.testing import parameterized
from ops.gradients import to_numpy
from sequence_test_case import SequenceTestCase

from ssdet_keras.layers.super_event import SuperEvent


class SuperEventTest(SequenceTestCase):
    @parameterized.parameters(False, True)
    def test_agrees_with_definition(self, max_over_filters):
        layer = SuperEvent(5, 3, max_over_filters)
        self.build(layer, None, None, 4)
        x = self.draw(2, 7, 4)
        mixing, kernel = to_numpy(layer.mixing), to_numpy(layer.kernel)
        expected = np.zeros((2, 5))
        for i, k in np.ndindex(2, 5):
            share = 1 / (1 + np.exp(-mixing[k]))
            for weight, filters in (
                (share, layer.filters1),
                (1 - share, layer.filters2),
            ):
                event = to_numpy(filters(x))[i]
                if max_over_filters:
                    event = event.max(axis=0)
                expected[i, k] += weight * (event.T.ravel() @ kernel[:, k])
        np.testing.assert_allclose(to_numpy(layer(x)), expected, atol=1e-5)

    def test_padding_has_no_effect(self):
        layer = self.build(SuperEvent(3), None, None, 4)
        x = self.draw(3, 9, 4)
        padded, mask = self.pad(x, (9, 5, 1), 12)
        outputs = to_numpy(layer(padded, mask=mask))
        for i, length in enumerate((9, 5, 1)):
            np.testing.assert_allclose(
                outputs[i], to_numpy(layer(x[i : i + 1, :length]))[0], atol=1e-5
            )

    def test_dropout(self):
        layer = self.build(SuperEvent(3, dropout=0.5), None, None, 4)
        x = self.draw(1, 5, 4)
        difference = to_numpy(layer(x, training=True)) - to_numpy(layer(x))
        self.assertGreater(np.abs(difference).max(), 1e-3)

    def test_unknown_steps(self):
        self.run_unknown_steps_test(SuperEvent(5), 3)

    def test_mixed_precision(self):
        self.run_mixed_precision_test(
            lambda dtype: SuperEvent(5, dtype=dtype), self.draw(2, 9, 4)
        )

    @parameterized.parameters(False, True)
    def test_gradients(self, max_over_filters):
        layer = SuperEvent(5, max_over_filters=max_over_filters)
        self.run_gradients_test(layer, self.draw(2, 9, 4))

    def test_round_trip(self):
        self.run_round_trip_test(SuperEvent(3, 4, True, 0.1, name="event"))

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(ValueError, "num_classes=0"):
            SuperEvent(0)
        with self.assertRaisesRegex(ValueError, "num_filters=0"):
            SuperEvent(1, 0)
        with self.assertRaisesRegex(ValueError, r"dropout=1\.5"):
            SuperEvent(1, dropout=1.5)
