"""Base class of the augmentations of frames, one draw per clip."""

from ssdet_keras.layers.random_video_layer import RandomVideoLayer


class ClipAugmentation(RandomVideoLayer):
    """Base class for augmentations that change all frames of a clip alike.

    A subclass draws one set of parameters per clip in
    `get_random_transformation()` and applies it, without further randomness,
    in `transform_videos()`. Labels and mask stay what they are.

    Args:
        seed: Integer or `None`. Seed of the layer's random state.
        **kwargs: Keyword arguments of `RandomVideoLayer`, such as `dtype`.

    Call arguments:
        inputs: Videos of shape `(batch, frames, height, width, channels)`,
            uint8 or float, or of one clip, without the batch axis. Or a dict
            that has them under the key `"videos"`, or a tuple that starts with
            them.
        training: Boolean. Defaults to `True`.
        seed: Integer or `None`. Seed of this call alone; `None` uses and
            advances the layer's random state.

    Returns:
        New videos, or a new dict or tuple with them; its other entries are
        untouched. The inputs are not modified.

    Raises:
        ValueError: If there are no videos, or not of the ranks above, or if
            they are not numbers.
    """

    def get_random_transformation(self, batch, seed=None, training=True):
        """Draws one set of parameters per clip.

        Args:
            batch: Videos, dict or tuple, as in a call, with the batch axis.
            seed: Integer or `None`, as in a call.
            training: Boolean. Whether there is anything to draw.

        Returns:
            Dict of tensors whose first axis is the batch.
        """
        raise NotImplementedError

    def transform_videos(self, videos, transformation):
        """Applies `transformation` to 5D videos. Keeps their dtype."""
        raise NotImplementedError

    def __call__(self, inputs, *args, **kwargs):
        # Keras takes no tensors beside file names in one argument.
        videos = self._videos(inputs)
        self._check_dtype("videos", videos)
        if len(videos.shape) not in (4, 5):
            raise ValueError(
                f"`{type(self).__name__}` expects videos of rank 5, or of rank "
                f"4 without a batch axis. "
                f"Received: videos.shape={tuple(videos.shape)}"
            )
        videos = super().__call__(self._to_tensor(videos), *args, **kwargs)
        if isinstance(inputs, dict):
            return {**inputs, "videos": videos}
        if isinstance(inputs, tuple | list):
            return (videos, *inputs[1:])
        return videos

    def call(self, inputs, training=True, seed=None):
        videos = self._cast_videos(inputs)
        is_batched = len(videos.shape) == 5
        if not is_batched:
            videos = videos[None]
        transformation = self.get_random_transformation(videos, seed, training)
        videos = self.transform_videos(videos, transformation)
        return videos if is_batched else videos[0]

    def _videos(self, inputs):
        if isinstance(inputs, tuple | list) and inputs:
            inputs = inputs[0]
        elif isinstance(inputs, dict) and "videos" in inputs:
            inputs = inputs["videos"]
        if hasattr(inputs, "shape"):
            return inputs
        received = (
            sorted(inputs)
            if isinstance(inputs, dict)
            else type(inputs).__name__
        )
        raise ValueError(
            f"`{type(self).__name__}` expects videos, a dict with the key "
            f"'videos', or a tuple that starts with videos. "
            f"Received: {received}"
        )
