import jax
import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from ssdet_keras._keras import current_backend
from ssdet_keras.layers.host_backend import HostBackend
from ssdet_keras.layers.host_backend import call_on_host
from ssdet_keras.layers.host_backend import host_backend


def double(x, number=None):
    """Returns what it gets, doubled, and where it was called."""
    return {key: 2 * value for key, value in x.items()}, host_backend()


class HostBackendTest(parameterized.TestCase):
    def test_known_values(self):
        x = {"a": keras.ops.convert_to_tensor([1, 2]), "b": np.array([3])}
        output, backend = call_on_host(double, keras.config.backend(), x, None)
        self.assertIs(backend, HostBackend)
        for key, expected in (("a", [2, 4]), ("b", [6])):
            self.assertIsInstance(output[key], np.ndarray)
            self.assertEqual(output[key].tolist(), expected)
        self.assertIsNone(host_backend())

    def test_values_in_graphs(self):
        backends = []

        def function(x):
            output, backend = call_on_host(
                double, current_backend().name, {"a": x}, 3
            )
            backends.append(backend)
            return output["a"]

        def map_data(x):
            dataset = tf.data.Dataset.from_tensors(x).map(function)
            return next(iter(dataset))

        compiled = map_data
        if keras.config.backend() == "tensorflow":
            compiled = tf.function(function)
        elif keras.config.backend() == "jax":
            compiled = jax.jit(function)
        for run in (map_data, compiled):
            output = keras.ops.convert_to_numpy(run(np.array([1, 2])))
            self.assertEqual(output.tolist(), [2, 4])
        self.assertEqual(backends, [None, None])

    def test_errors_leave_no_scope(self):
        def fail():
            raise ValueError("expected")

        with self.assertRaisesRegex(ValueError, "expected"):
            call_on_host(fail, keras.config.backend())
        self.assertIsNone(host_backend())
