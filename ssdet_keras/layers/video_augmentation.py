"""Base class of the video augmentations."""

import keras

from ssdet_keras.layers.random_video_layer import RandomVideoLayer


class VideoAugmentation(RandomVideoLayer):
    """Base class for augmentations of video batches and their frame labels.

    A subclass draws one set of parameters per clip in
    `get_random_transformation()` and applies it, without further randomness,
    in `transform_videos()`, `transform_labels()` and `transform_mask()`. This
    class takes batches apart and puts them together again: it checks ranks,
    handles clips without a batch axis, passes other keys through untouched,
    and does nothing when `training=False`.

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

    def __init__(self, rate=1.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        if not 0.0 <= rate <= 1.0:
            raise ValueError(
                f"`rate` must be in the range [0, 1]. Received: rate={rate}"
            )
        self.rate = float(rate)

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
            key: self._cast_videos(x)
            if key == "videos"
            else self.backend.cast(x, "float32")
            for key, x in inputs.items()
        }
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
        return {**super().get_config(), "rate": self.rate}

    def _map_draws(self, function, num_draws, batch, seed):
        """Returns what a method makes of draws from [0, 1).

        Args:
            function: Method of the draws, of shape `(num_draws, batch)`, the
                shape of the videos, and the mask or `None`. It returns a dict
                of arrays.
            num_draws: Integer.
            batch: Dict or tuple, as in a call, with the batch axis.
            seed: Integer or `None`, as in a call.

        Returns:
            Dict of tensors.
        """
        ops = self.backend
        batch = self._as_dict(batch)
        shape = tuple(ops.shape(batch["videos"]))
        draws = self._uniform(num_draws, shape[0], seed)
        mask = batch.get("mask")
        drawn = self._call_on_host(function, draws, shape, mask)
        return {key: ops.convert_to_tensor(x) for key, x in drawn.items()}

    def _num_valid_frames(self, shape, mask):
        """Returns the number of unpadded frames of each clip, int32."""
        ops = self.backend
        batch_size, num_frames = shape[:2]
        if mask is None:
            # Multiplied, not filled: the sizes may be tensors in a graph.
            return ops.numpy.ones((batch_size,), dtype="int32") * num_frames
        mask = ops.convert_to_tensor(mask)
        return ops.cast(ops.numpy.sum(mask > 0, axis=1), "int32")

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
            self._check_dtype(key, batch.get(key))
