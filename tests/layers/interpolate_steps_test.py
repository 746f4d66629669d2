import keras
import numpy as np
from layer_test_case import LayerTestCase
from ops.gradients import gradients
from ops.gradients import numerical_gradients
from ops.gradients import to_numpy

from ssdet_keras.layers.interpolate_steps import interpolate_steps
from ssdet_keras.layers.interpolate_steps import uniform_positions


def interpolate(inputs, positions, queries):
    """The same in NumPy, of one channel after the other."""
    channels = [
        [np.interp(q, p, x[:, i]) for i in range(x.shape[1])]
        for x, p, q in zip(inputs, positions, queries, strict=True)
    ]
    return np.array(channels).swapaxes(1, 2)


class InterpolateStepsTest(LayerTestCase):
    def run_on(self, *arrays):
        arrays = (keras.ops.convert_to_tensor(x) for x in arrays)
        return to_numpy(interpolate_steps(*arrays))

    def test_values(self):
        x = np.array([[[0], [10], [30]]], "float32")
        positions = np.array([[0, 0.5, 0.75]], "float32")
        queries = np.array([[-1, 0, 0.25, 0.5, 0.625, 0.75, 2]], "float32")
        np.testing.assert_allclose(
            self.run_on(x, positions, queries).ravel(),
            [0, 0, 5, 10, 20, 30, 30],
        )

    def test_steps_at_one_position(self):
        x = np.array([[[1], [2], [3], [4]]], "float32")
        positions = np.array([[0, 0.5, 0.5, 1]], "float32")
        queries = np.array([[0.25, 0.5, 0.75, 1]], "float32")
        np.testing.assert_allclose(
            self.run_on(x, positions, queries).ravel(), [1.5, 3, 3.5, 4]
        )

    def test_random_positions(self):
        rng = np.random.default_rng(0)
        for steps, num_queries in ((1, 3), (2, 1), (9, 40), (40, 9)):
            x = self.draw(3, steps, 2)
            positions = np.sort(rng.random((3, steps)), axis=1)
            queries = rng.random((3, num_queries)).astype("float32")
            positions = positions.astype("float32")
            np.testing.assert_allclose(
                self.run_on(x, positions, queries),
                interpolate(x, positions, queries),
                atol=1e-4,
            )

    def test_gradients(self):
        rng = np.random.default_rng(0)
        positions = np.array([[0, 0.3, 0.7, 1], [0, 0.2, 0.4, 1]], "float32")
        queries = rng.uniform(0.05, 0.95, (2, 5)).astype("float32")
        arrays = [self.draw(2, 4, 3), positions, queries]
        gradient = self.draw(2, 5, 3, seed=1)
        _, actual = gradients(
            interpolate_steps,
            [keras.ops.convert_to_tensor(x) for x in arrays],
            keras.ops.convert_to_tensor(gradient),
        )
        expected = numerical_gradients(interpolate, arrays, gradient)
        for a, b in zip(actual, expected, strict=True):
            np.testing.assert_allclose(to_numpy(a), b, atol=1e-3)

    def test_uniform_positions(self):
        np.testing.assert_allclose(
            to_numpy(uniform_positions(5)), [[0, 0.25, 0.5, 0.75, 1]]
        )
        np.testing.assert_allclose(to_numpy(uniform_positions(1)), [[0]])
