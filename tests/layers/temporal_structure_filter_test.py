import keras
import numpy as np
from ops.gradients import to_numpy
from sequence_test_case import SequenceTestCase

from ssdet_keras.layers.temporal_structure_filter import TemporalStructureFilter


class TemporalStructureFilterTest(SequenceTestCase):
    def test_values(self):
        layer = TemporalStructureFilter(2)
        layer.build((None, None, 1))
        # In the middle, and at three quarters; widths e^1.5 and e^(1.5 - 1).
        layer.center.assign([0.0, np.arctanh(0.5)])
        layer.gamma.assign([0.0, -np.arctanh(0.5)])
        wide = 1 / (1 + np.array([4, 1, 0, 1, 4]) / np.e**3)
        narrow = 1 / (1 + np.array([9, 4, 1, 0, 1]) / np.e)
        x = np.eye(5, dtype="float32")[None]
        outputs = to_numpy(layer(x))[0]
        np.testing.assert_allclose(outputs[0], wide / wide.sum(), atol=1e-5)
        np.testing.assert_allclose(outputs[1], narrow / narrow.sum(), atol=1e-5)

    def test_padding_has_no_effect(self):
        layer = self.build(TemporalStructureFilter(), None, None, 4)
        x = self.draw(3, 9, 4)
        padded, mask = self.pad(x, (9, 5, 1), 12)
        outputs = to_numpy(layer(padded, mask=mask))
        for i, length in enumerate((9, 5, 1)):
            np.testing.assert_allclose(
                outputs[i], to_numpy(layer(x[i : i + 1, :length]))[0], atol=1e-5
            )

    def test_mixed_precision(self):
        self.run_mixed_precision_test(
            lambda dtype: TemporalStructureFilter(dtype=dtype),
            self.draw(2, 300, 4),
        )
        layer = TemporalStructureFilter(1, dtype="mixed_bfloat16")
        layer.build((None, None, 1))
        layer.center.assign([np.arctanh(0.9)])
        layer.gamma.assign([1e9])
        # The middle of the bump is at 949.05 of 1000 steps.
        x = np.arange(1000, dtype="float32")[None, :, None] == 949
        self.assertGreater(to_numpy(layer(x.astype("float32"))).max(), 0.45)

    def test_unknown_steps(self):
        self.run_unknown_steps_test(TemporalStructureFilter(2), 3)

    def test_gradients(self):
        self.run_gradients_test(TemporalStructureFilter(2), self.draw(2, 9, 3))

    def test_the_mask_ends_here(self):
        x = keras.layers.Masking()(np.ones((1, 3, 2), "float32"))
        outputs = TemporalStructureFilter()(x)
        self.assertIsNone(getattr(outputs, "_keras_mask", None))

    def test_round_trip(self):
        self.run_round_trip_test(TemporalStructureFilter(4, name="filters"))

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(
            ValueError, "`num_filters` must be a positive .*num_filters=0"
        ):
            TemporalStructureFilter(0)
