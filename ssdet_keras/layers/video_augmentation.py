"""Base class of the video augmentations."""

import keras
import numpy as np

from ssdet_keras._keras import current_backend
from ssdet_keras._keras import no_automatic_dependency_tracking


class VideoAugmentation(keras.layers.Layer):
    """Base class for augmentations of video batches and their frame labels.

    A subclass draws one set of parameters per clip in
    `get_random_transformation()` and applies it, without further randomness,
    in `transform_videos()`, `transform_labels()` and `transform_mask()`. This
    class takes batches apart and puts them together again: it checks ranks,
    handles clips without a batch axis, passes other keys through untouched,
    and does nothing when `training=False`.

    Subclasses use `self.backend` instead of `keras.ops`: inside `tf.data` it
    is the TensorFlow backend, elsewhere the active Keras backend. This is the
    rule of Keras's own preprocessing layers, whose base class casts all inputs
    to one dtype, labels and file names too, and so can't serve here.

    Args:
        rate: Float in `[0, 1]`. Probability of augmenting a clip.
            Defaults to `1.0`.
        seed: Integer or `None`. Seed of the layer's random state.
        dtype: Dtype of the output videos, `"uint8"` or a float type. Defaults
            to `"float32"`, also under a mixed precision policy, which is meant
            for models, not for pixels. Labels and mask are always float32.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Dict with keys `"videos"`, shape `(batch, frames, height, width,
            channels)`, `"labels"`, shape `(batch, frames, classes)`, and
            optionally `"mask"`, shape `(batch, frames)`, 0 where a clip is
            padded at its end. The batch axis may be missing from all. Or a
            tuple `(videos, labels)`.
        training: Boolean. Defaults to `True`.
        seed: Integer or `None`. Seed of this call alone; `None` uses and
            advances the layer's random state.

    Returns:
        A new dict or tuple of the same structure and shapes. The inputs are
        not modified.

    Raises:
        ValueError: If `rate` is outside `[0, 1]`, if videos or labels are
            missing, if the ranks are not those above, or if the entries are not
            numbers.
    """

    def __init__(self, rate=1.0, seed=None, dtype="float32", **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        if not 0.0 <= rate <= 1.0:
            raise ValueError(
                f"`rate` must be in the range [0, 1]. Received: rate={rate}"
            )
        self.rate = float(rate)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        self._backend_generators = {}
        # uint8 and float entries keep their dtypes until `call()`.
        self._convert_input_args = False
        # In `tf.data` under another backend, tensors are not the backend's.
        self._allow_non_tensor_positional_args = True
        self.built = True

    @property
    def backend(self):
        """Operations for the tensors at hand, TensorFlow's in `tf.data`."""
        return current_backend()

    def get_random_transformation(self, batch, seed=None):
        """Draws one set of parameters per clip.

        Args:
            batch: Dict or tuple, as in a call, with the batch axis.
            seed: Integer or `None`, as in a call.

        Returns:
            Dict of int32 tensors whose first axis is the batch.
        """
        raise NotImplementedError

    def transform_videos(self, videos, transformation):
        """Applies `transformation` to 5D videos. Keeps their dtype."""
        raise NotImplementedError

    def transform_labels(self, labels, transformation):
        """Applies `transformation` to float labels of rank 3."""
        raise NotImplementedError

    def transform_mask(self, mask, transformation):
        """Applies `transformation` to a float mask of rank 2."""
        raise NotImplementedError

    def __call__(self, inputs, *args, **kwargs):
        # Keras takes no tensors beside arrays or file names in one argument,
        # and prints whole arrays below an error of `call()`: so the batch is
        # checked and taken apart here.
        batch = self._as_dict(inputs)
        self._check_ranks(batch)
        self._check_dtypes(batch)
        tensors = {
            key: self._to_tensor(batch[key])
            for key in ("videos", "labels", "mask")
            if batch.get(key) is not None
        }
        outputs = super().__call__(tensors, *args, **kwargs)
        if isinstance(inputs, dict):
            return {**inputs, **outputs}
        return outputs["videos"], outputs["labels"]

    def call(self, inputs, training=True, seed=None):
        batch = {
            key: self.backend.cast(x, "float32") for key, x in inputs.items()
        }
        batch["videos"] = self._cast_videos(inputs["videos"])
        if not training or self.rate == 0.0:
            return batch
        is_batched = len(batch["videos"].shape) == 5
        if not is_batched:
            batch = {key: x[None] for key, x in batch.items()}
        transformation = self.get_random_transformation(batch, seed)
        batch = self._transform(batch, transformation)
        if not is_batched:
            batch = {key: x[0] for key, x in batch.items()}
        return batch

    def _transform(self, batch, transformation):
        outputs = {
            "videos": self.transform_videos(batch["videos"], transformation),
            "labels": self.transform_labels(batch["labels"], transformation),
        }
        if "mask" in batch:
            outputs["mask"] = self.transform_mask(batch["mask"], transformation)
        return outputs

    def compute_output_spec(self, inputs, training=True, seed=None):
        return {
            key: keras.KerasTensor(
                x.shape, self.compute_dtype if key == "videos" else "float32"
            )
            for key, x in inputs.items()
        }

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}

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
        backend = self.backend
        if backend.name == keras.config.backend():
            return self.generator
        if backend.name not in self._backend_generators:
            self._backend_generators[backend.name] = keras.random.SeedGenerator(
                self.seed, backend=backend
            )
        return self._backend_generators[backend.name]

    def _integers(self, uniform, low, high):
        """Maps draws from [0, 1) to integers in [low, high], both included."""
        ops = self.backend
        low, high = ops.cast(low, "int32"), ops.cast(high, "int32")
        count = ops.cast(high - low + 1, "float32")
        steps = ops.cast(ops.numpy.floor(uniform * count), "int32")
        # In float32 the product of a draw close to 1 may round up to `count`.
        return low + ops.numpy.minimum(steps, high - low)

    def _num_valid_frames(self, batch):
        """Returns the number of unpadded frames of each clip, int32."""
        ops = self.backend
        batch = self._as_dict(batch)
        batch_size, num_frames = ops.shape(batch["videos"])[:2]
        if batch.get("mask") is None:
            # Multiplied, not filled: the sizes may be tensors in a graph.
            return ops.numpy.ones((batch_size,), dtype="int32") * num_frames
        mask = ops.convert_to_tensor(batch["mask"])
        return ops.cast(ops.numpy.sum(mask > 0, axis=1), "int32")

    def _take_frames(self, x, clip, frame):
        """Returns `x[clip, frame]`, with indices of shape `(batch, frames)`."""
        ops = self.backend
        shape = ops.shape(x)
        frames = ops.numpy.reshape(x, (-1, *shape[2:]))
        index = ops.numpy.reshape(clip * shape[1] + frame, (-1,))
        return ops.numpy.reshape(ops.numpy.take(frames, index, axis=0), shape)

    def _mix(self, weight, first, second):
        """Returns `weight * first + (1 - weight) * second` in their dtype."""
        ops = self.backend
        dtype = keras.backend.standardize_dtype(first.dtype)
        if keras.backend.is_float_dtype(dtype):
            weight = ops.cast(weight, dtype)
            return weight * first + (1 - weight) * second
        first, second = ops.cast(first, "float32"), ops.cast(second, "float32")
        mixed = weight * first + (1 - weight) * second
        return ops.cast(ops.numpy.round(mixed), dtype)

    def _to_tensor(self, x):
        if isinstance(x, keras.KerasTensor):
            return x
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

    def _as_dict(self, inputs):
        if isinstance(inputs, tuple | list) and len(inputs) == 2:
            return {"videos": inputs[0], "labels": inputs[1]}
        if isinstance(inputs, dict) and {"videos", "labels"} <= set(inputs):
            return inputs
        received = (
            sorted(inputs)
            if isinstance(inputs, dict)
            else type(inputs).__name__
        )
        raise ValueError(
            f"`{type(self).__name__}` expects a dict with keys 'videos' and "
            f"'labels', or a tuple (videos, labels). Received: {received}"
        )

    def _check_ranks(self, batch):
        shapes = {
            key: tuple(batch[key].shape)
            for key in ("videos", "labels", "mask")
            if batch.get(key) is not None
        }
        ranks = {key: len(shape) for key, shape in shapes.items()}
        batched = {"videos": 5, "labels": 3, "mask": 2}
        for expected in (batched, {k: n - 1 for k, n in batched.items()}):
            if all(ranks[key] == expected[key] for key in ranks):
                return
        raise ValueError(
            f"`{type(self).__name__}` expects videos of rank 5 with labels of "
            "rank 3 and a mask, if any, of rank 2, or one rank less of each. "
            "Received: "
            + ", ".join(f"{key}.shape={s}" for key, s in shapes.items())
        )

    def _check_dtypes(self, batch):
        for key in ("videos", "labels", "mask"):
            dtype = getattr(batch.get(key), "dtype", None)
            # Strings, objects and times, which NumPy alone has.
            if isinstance(dtype, np.dtype) and dtype.kind in "USOMm":
                raise ValueError(
                    f"`{type(self).__name__}` expects numbers, uint8 or float. "
                    f"Received: {key}.dtype={dtype}"
                )
