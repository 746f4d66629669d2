"""Base class of the layers that change videos at random."""

import contextlib
import random

import keras
import numpy as np

from ssdet_keras._keras import current_backend
from ssdet_keras._keras import no_automatic_dependency_tracking
from ssdet_keras.layers.host_backend import call_on_host
from ssdet_keras.layers.host_backend import host_backend
from ssdet_keras.layers.random_stream import is_loader_worker
from ssdet_keras.layers.random_stream import stream_seed
from ssdet_keras.layers.random_stream import worker_key


class RandomVideoLayer(keras.layers.Layer):
    """Base class of the layers that change videos at random.

    Subclasses use `self.backend` instead of `keras.ops`: inside `tf.data` it
    is the TensorFlow backend, elsewhere the active Keras backend. This is the
    rule of Keras's own preprocessing layers, whose base class casts all inputs
    to one dtype, labels and file names too, and so can't serve here.

    What a layer draws depends on its class, its seed and the number of its
    calls before, so that the same seed gives the same batches, and every epoch other
    ones. In a worker process it depends on the worker too, see `worker_key()`.
    Calls from several threads come in no fixed order, and share one state: in
    a parallel `tf.data` map there is no way around it, and in `grain` the
    call's own `seed` is:

    ```python
    dataset = dataset.seed(0).random_map(
        lambda batch, rng: layer(batch, seed=int(rng.integers(2**31)))
    )
    ```

    Args:
        seed: Integer or `None`. Seed of the layer's random state.
        dtype: Dtype of the output videos, `"uint8"` or a float type. Defaults
            to `"float32"`, also under a mixed precision policy, which is meant
            for models, not for pixels.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.
    """

    def __init__(self, seed=None, dtype="float32", **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        self.seed = seed
        self._initial_seed = random.getrandbits(31) if seed is None else seed
        self.generator = keras.random.SeedGenerator(
            stream_seed(self._initial_seed, type(self).__name__)
        )
        self._other_generators = {}
        # uint8 and float entries keep their dtypes until `call()`.
        self._convert_input_args = False
        # In `tf.data` under another backend, tensors are not the backend's.
        self._allow_non_tensor_positional_args = True
        self.built = True

    @property
    def backend(self):
        """Operations for the tensors at hand.

        TensorFlow's in `tf.data`, NumPy's inside of `_call_on_host()`.
        """
        return host_backend() or current_backend()

    def __call__(self, *args, **kwargs):
        with self._device():
            return super().__call__(*args, **kwargs)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}

    def _uniform(self, num_draws, batch_size, seed):
        """Returns draws from [0, 1) of shape `(num_draws, batch_size)`.

        One call serves all parameters of a layer, so that they are independent
        of each other also where `seed` is an integer.
        """
        if seed is None:
            seed = self._seed_generator()
        return self.backend.random.uniform((num_draws, batch_size), seed=seed)

    @no_automatic_dependency_tracking
    def _seed_generator(self):
        backend, worker = self.backend, worker_key()
        if worker == () and backend.name == keras.config.backend():
            return self.generator
        key = (backend.name, worker)
        if key not in self._other_generators:
            self._other_generators[key] = keras.random.SeedGenerator(
                stream_seed(
                    self._initial_seed, type(self).__name__, worker
                ),
                backend=backend,
            )
        return self._other_generators[key]

    def _call_on_host(self, function, *args):
        """Calls a method of small arrays, in NumPy if their values are known.

        It returns arrays then, and else tensors.
        """
        return call_on_host(function, self.backend.name, *args)

    def _integers(self, uniform, low, high):
        """Maps draws from [0, 1) to integers in [low, high], both included."""
        ops = self.backend
        low, high = ops.cast(low, "int32"), ops.cast(high, "int32")
        count = ops.cast(high - low + 1, "float32")
        steps = ops.cast(ops.numpy.floor(uniform * count), "int32")
        # In float32 the product of a draw close to 1 may round up to `count`.
        return low + ops.numpy.minimum(steps, high - low)

    def _device(self):
        # A forked worker has no access to the GPU of its parent, and a spawned
        # one leaves its memory to the model.
        if is_loader_worker():
            return keras.device("cpu")
        return contextlib.nullcontext()

    def _to_tensor(self, x):
        if isinstance(x, keras.KerasTensor):
            return x
        with self._device():
            return self.backend.convert_to_tensor(x)

    def _cast_videos(self, videos):
        ops = self.backend
        dtype = keras.backend.standardize_dtype(videos.dtype)
        if (
            keras.backend.is_float_dtype(dtype)
            and self.compute_dtype == "uint8"
        ):
            videos = ops.numpy.clip(ops.numpy.round(videos), 0, 255)
        return ops.cast(videos, self.compute_dtype)

    def _check_dtype(self, name, x):
        dtype = getattr(x, "dtype", None)
        # Strings, objects and times, which NumPy alone has.
        if isinstance(dtype, np.dtype) and dtype.kind in "USOMm":
            raise ValueError(
                f"`{type(self).__name__}` expects numbers, uint8 or float. "
                f"Received: {name}.dtype={dtype}"
            )
