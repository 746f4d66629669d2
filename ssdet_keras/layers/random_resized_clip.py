"""Random resized crop of clips."""

import keras

from ssdet_keras.layers.clip_augmentation import ClipAugmentation


@keras.saving.register_keras_serializable(package="ssdet_keras")
class RandomResizedClip(ClipAugmentation):
    """Resizes clips at random and crops them, all frames of a clip alike.

    The short side of the frames becomes a random number of pixels, and then a
    random square of `size` pixels is cropped. Both are one bilinear
    interpolation of a square `side = size * min(height, width) / short_side`
    of the frame:

        +--------------- width ---------------+
        |        left                         |
        |  top    +--- side ---+              |         +- size -+
        |         |            |            height  ->  |        |
        |         |            |              |         +--------+
        |         +------------+              |
        +-------------------------------------+

    At inference it is the square in the centre, for the least short side. This
    is how `ssdet_keras.data.ClipSource` crops videos, which need not be
    cropped again.

    This layer is safe to use in a `tf.data` pipeline with any Keras backend.

    Args:
        short_side: Integer, or tuple of the least and the greatest number of
            pixels of the short side. Defaults to `(256, 320)`.
        size: Integer. Height and width of the output. Defaults to `224`.
        seed: Integer or `None`. Seed of the layer's random state.
        **kwargs: Keyword arguments of `ClipAugmentation`, such as `dtype`.

    Call arguments:
        inputs: Videos of shape `(batch, frames, height, width, channels)`, or
            without the batch axis; or a dict that has them under the key
            `"videos"`, or a tuple that starts with them.
        training: Boolean. Defaults to `True`.
        seed: Integer or `None`. Seed of this call alone.

    Returns:
        New videos of shape `(batch, frames, size, size, channels)`, or a new
        dict or tuple with them.

    Raises:
        ValueError: If `size` is not positive, or `short_side` is no range of
            at least `size` pixels.

    Example:

    ```python
    crop = ssdet_keras.layers.RandomResizedClip(seed=0)
    videos = crop(np.ones((2, 16, 240, 320, 3)))
    ```

    Reference:
        [Kahatapitiya et al., 2023](https://arxiv.org/abs/2111.13675), the
        section "Implementation Details".
    """

    def __init__(self, short_side=(256, 320), size=224, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        if size < 1:
            raise ValueError(f"`size` must be positive. Received: size={size}")
        if isinstance(short_side, int):
            short_side = (short_side, short_side)
        if len(short_side) != 2 or not size <= short_side[0] <= short_side[1]:
            raise ValueError(
                f"`short_side` must be a range of at least {size} pixels. "
                f"Received: short_side={short_side}"
            )
        self.short_side = tuple(short_side)
        self.size = size

    def get_random_transformation(self, batch, seed=None, training=True):
        """Draws one set of parameters per clip.

        Returns:
            Dict of the squares that are shown: `"top"`, `"left"` and `"side"`,
            in pixels of the input, int32, each of shape `(batch,)`.
        """
        ops = self.backend
        shape = ops.shape(self._videos(batch))
        height, width = (ops.cast(n, "int32") for n in shape[2:4])
        if training:
            draws = self._uniform(3, shape[0], seed)
        else:
            # The least short side, and half of the rest to each side.
            none = ops.numpy.zeros((shape[0],))
            draws = ops.numpy.stack([none, none + 0.5, none + 0.5])
        short_side = ops.cast(
            self._integers(draws[0], *self.short_side), "float32"
        )
        shortest = ops.cast(ops.numpy.minimum(height, width), "float32")
        side = ops.numpy.round(shortest * self.size / short_side)
        side = ops.numpy.maximum(ops.cast(side, "int32"), 1)
        return {
            "top": self._integers(draws[1], 0 * side, height - side),
            "left": self._integers(draws[2], 0 * side, width - side),
            "side": side,
        }

    def transform_videos(self, videos, transformation):
        ops = self.backend
        videos = ops.convert_to_tensor(videos)
        top, left, side = (
            ops.cast(ops.convert_to_tensor(transformation[key]), "float32")
            for key in ("top", "left", "side")
        )
        height, width = ops.shape(videos)[2:4]
        dtype = keras.backend.standardize_dtype(videos.dtype)
        output = ops.cast(videos, "float32")
        rows = self._weights(top, side, height)
        output = ops.numpy.einsum("biy,btyxc->btixc", rows, output)
        columns = self._weights(left, side, width)
        output = ops.numpy.einsum("bjx,btixc->btijc", columns, output)
        if not keras.backend.is_float_dtype(dtype):
            output = ops.numpy.round(output)
        return ops.cast(output, dtype)

    def _weights(self, start, side, length):
        """Returns the weights of `length` pixels in each of `size` pixels."""
        ops = self.backend
        pixel = ops.cast(ops.numpy.arange(self.size), "float32")
        centre = (pixel + 0.5) * side[:, None] / self.size - 0.5
        centre = ops.numpy.clip(centre, 0.0, side[:, None] - 1)
        centre = (start[:, None] + centre)[..., None]
        source = ops.cast(ops.numpy.arange(length), "float32")
        return ops.numpy.maximum(1 - ops.numpy.absolute(source - centre), 0.0)

    def compute_output_spec(self, inputs, training=True, seed=None):
        shape = (*inputs.shape[:-3], self.size, self.size, inputs.shape[-1])
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "short_side": self.short_side,
            "size": self.size,
        }
