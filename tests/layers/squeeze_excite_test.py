import keras
import numpy as np
from layer_test_case import LayerTestCase
from ops.gradients import to_numpy

from ssdet_keras.layers.squeeze_excite import SqueezeExcite


class SqueezeExciteTest(LayerTestCase):
    def test_values(self):
        layer = SqueezeExcite(1)
        layer.build((None, None, None, None, 2))
        layer.reduce.set_weights([np.ones((2, 1)), np.zeros(1)])
        layer.expand.set_weights([np.array([[0.0, 1.0]]), np.zeros(2)])
        x = np.zeros((1, 1, 1, 2, 2), "float32")
        x[..., 0], x[..., 1] = [[[1, 3]]], 2
        # Means 2 and 2; gates sigmoid(0) and sigmoid(4).
        outputs = to_numpy(layer(x))[0, 0, 0]
        np.testing.assert_allclose(outputs[:, 0], [0.5, 1.5], rtol=1e-6)
        np.testing.assert_allclose(outputs[:, 1], 1.964028, rtol=1e-5)

    def test_keeps_its_inputs(self):
        # In a prediction no gradients are recorded.
        inputs = keras.Input((2, 3, 3, 4))
        layer = self.build(SqueezeExcite(2), 4)
        model = keras.Model(
            inputs, keras.layers.Subtract()([inputs, layer(inputs)])
        )
        x = self.draw(1, 2, 3, 3, 4)
        np.testing.assert_allclose(
            model.predict(x, verbose=0), x - to_numpy(layer(x)), atol=1e-6
        )

    def test_unknown_sizes(self):
        self.run_unknown_sizes_test(SqueezeExcite(3), 4)

    def test_mixed_precision(self):
        self.run_mixed_precision_test(
            lambda dtype: SqueezeExcite(3, dtype=dtype),
            self.draw(2, 3, 5, 4, 4),
            training=True,
        )

    def test_round_trip(self):
        self.run_round_trip_test(SqueezeExcite(8, name="squeeze"))

    def test_invalid_units(self):
        with self.assertRaisesRegex(
            ValueError, "`units` must be a positive integer.*units=0"
        ):
            SqueezeExcite(0)

    def test_invalid_inputs(self):
        self.run_other_inputs_test(SqueezeExcite(3))
        self.run_unknown_channels_test(SqueezeExcite(3))
