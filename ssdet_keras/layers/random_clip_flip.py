"""Random horizontal flip of clips."""

import keras

from ssdet_keras.layers.clip_augmentation import ClipAugmentation


@keras.saving.register_keras_serializable(package="ssdet_keras")
class RandomClipFlip(ClipAugmentation):
    """Flips clips horizontally at random, all frames of a clip or none.

    This layer is safe to use in a `tf.data` pipeline with any Keras backend.

    Args:
        rate: Float in `[0, 1]`. Probability of flipping a clip.
            Defaults to `0.5`.
        seed: Integer or `None`. Seed of the layer's random state.
        **kwargs: Keyword arguments of `ClipAugmentation`, such as `dtype`.

    Call arguments:
        inputs: Videos of shape `(batch, frames, height, width, channels)`, or
            without the batch axis; or a dict that has them under the key
            `"videos"`, or a tuple that starts with them.
        training: Boolean. Without it no clip is flipped. Defaults to `True`.
        seed: Integer or `None`. Seed of this call alone.

    Returns:
        New videos of the same shape, or a new dict or tuple with them.

    Raises:
        ValueError: If `rate` is outside `[0, 1]`.

    Example:

    ```python
    flip = ssdet_keras.layers.RandomClipFlip(seed=0)
    videos = flip(np.ones((2, 16, 8, 8, 3)))
    ```
    """

    def __init__(self, rate=0.5, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        if not 0.0 <= rate <= 1.0:
            raise ValueError(
                f"`rate` must be in the range [0, 1]. Received: rate={rate}"
            )
        self.rate = float(rate)

    def get_random_transformation(self, batch, seed=None, training=True):
        """Draws one set of parameters per clip.

        Returns:
            Dict of `"is_flipped"`, boolean, shape `(batch,)`.
        """
        num_clips = self.backend.shape(self._videos(batch))[0]
        if not training:
            return {"is_flipped": self.backend.numpy.zeros(num_clips, "bool")}
        draws = self._uniform(1, num_clips, seed)[0]
        return {"is_flipped": draws < self.rate}

    def transform_videos(self, videos, transformation):
        ops = self.backend
        videos = ops.convert_to_tensor(videos)
        is_flipped = ops.convert_to_tensor(transformation["is_flipped"])
        return ops.numpy.where(
            is_flipped[:, None, None, None, None],
            ops.numpy.flip(videos, axis=3),
            videos,
        )

    def compute_output_spec(self, inputs, training=True, seed=None):
        return keras.KerasTensor(inputs.shape, self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
