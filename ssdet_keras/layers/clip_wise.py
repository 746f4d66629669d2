"""Image augmentations with one draw for all frames of a clip."""

import keras

from ssdet_keras._keras import DynamicBackend
from ssdet_keras.layers.clip_augmentation import ClipAugmentation

# They mix the images of a batch, or don't draw from their seed with PyTorch.
_EXCLUDED_KERAS = ("CutMix", "MixUp", "RandomElasticTransform")
# They draw for each image anew where they transform it, or give ragged images.
_EXCLUDED_KERAS_CV = ("AugMix", "RandomAspectRatio", "RandomCutout")
# They have no inference, and frames that are left alone have another size.
_RESIZING_KERAS_CV = ("JitteredResize", "RandomCrop", "RandomCropAndResize")


@keras.saving.register_keras_serializable(package="ssdet_keras")
class ClipWise(ClipAugmentation):
    """Applies an image augmentation to clips, with one draw for each clip.

        RandomBrightness               clip 0   ☼ . ☼ ☼     clip 1   . ☼ . .
        ClipWise(RandomBrightness)     clip 0   ☼ ☼ ☼ ☼     clip 1   . . . .

    The image layer draws its parameters for the first frame of a clip, and
    then transforms all frames with them. What it draws depends on the seed of
    this layer, not on its own.

    Any image augmentation of Keras serves that treats each image alone:
    `RandomCrop`, `RandomFlip`, `RandomRotation`, `RandomBrightness`,
    `RandAugment` and so on. (`AugMix` draws some of its parameters from
    Python's `random`, not from a seed.) Those of KerasCV serve that draw all of
    their parameters before they transform an image. They draw from their own
    seed, and are for loaders, not for models.

    This layer is safe to use in a `tf.data` pipeline with any Keras backend.

    Args:
        image_layer: An image augmentation layer of Keras or KerasCV.
        seed: Integer or `None`. Seed of the layer's random state.
        **kwargs: Keyword arguments of `ClipAugmentation`, such as `dtype`.

    Call arguments:
        inputs: Videos of shape `(batch, frames, height, width, channels)`, or
            without the batch axis; or a dict that has them under the key
            `"videos"`, or a tuple that starts with them.
        training: Boolean. Defaults to `True`.
        seed: Integer or `None`. Seed of this call alone.

    Returns:
        New videos, or a new dict or tuple with them. Their height, width and
        channels are those of the outputs of the image layer.

    Raises:
        ValueError: If the image layer can't be used on clips, or not at
            inference, as those of KerasCV that change the size.

    Example:

    ```python
    crop = ssdet_keras.layers.ClipWise(keras.layers.RandomCrop(8, 8), seed=0)
    videos = crop(np.ones((2, 16, 10, 10, 3)))
    ```
    """

    def __init__(self, image_layer, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self._check_image_layer(image_layer)
        self.image_layer = image_layer
        self.supports_jit = getattr(image_layer, "supports_jit", True)

    def get_random_transformation(self, batch, seed=None, training=True):
        """Draws one seed per clip, on which all draws for it depend.

        Returns:
            Dict of `"seed"`, int32, shape `(batch,)`, or `None` at inference.
        """
        if not training:
            return None
        num_clips = self.backend.shape(self._videos(batch))[0]
        draws = self._uniform(1, num_clips, seed)[0]
        return {"seed": self._integers(draws, 0, 2**24 - 1)}

    def transform_videos(self, videos, transformation):
        ops = self.backend
        videos = ops.convert_to_tensor(videos)
        dtype = keras.backend.standardize_dtype(videos.dtype)
        videos = ops.cast(videos, "float32")
        transform = (
            self._transform_keras_clip
            if hasattr(self.image_layer, "transform_images")
            else self._transform_keras_cv_clip
        )
        if transformation is None:
            output = self._map(lambda clip: transform(clip, None), videos)
        else:
            seeds = ops.convert_to_tensor(transformation["seed"])
            output = self._map(lambda x: transform(*x), (videos, seeds))
        if not keras.backend.is_float_dtype(dtype):
            output = ops.numpy.clip(ops.numpy.round(output), 0, 255)
        return ops.cast(output, dtype)

    def _transform_keras_clip(self, clip, seed):
        ops = self.backend
        training = seed is not None
        seeds = _ClipSeeds(seed, ops)
        layer = _view(
            self.image_layer,
            backend=ops,
            _get_seed_generator=lambda backend=None: seeds,
        )
        clip = ops.cast(clip, layer.compute_dtype)
        drawn = layer.get_random_transformation(
            clip[0][None], training=training, seed=seeds
        )
        num_draws = seeds.num_draws
        # Copies, as some layers change their input.
        output = layer.transform_images(
            ops.numpy.copy(clip),
            _repeat(drawn, ops.shape(clip)[0], ops),
            training=training,
        )
        if seeds.num_draws == num_draws:
            return output

        # Some layers draw, again for each image, where they transform.
        def transform_frame(frame):
            seeds.num_draws = num_draws
            return layer.transform_images(ops.numpy.copy(frame[None]), drawn)[0]

        return self._map(transform_frame, clip)

    def _transform_keras_cv_clip(self, clip, seed):
        layer = self.image_layer
        if seed is None:
            if type(layer).__name__ in _RESIZING_KERAS_CV:
                raise ValueError(
                    f"`{type(layer).__name__}` of KerasCV changes the size of "
                    "images, and does so at random only. Use a layer of Keras, "
                    "or `RandomResizedClip`. Received: training=False"
                )
            return clip

        def draw_batch(batch_size, **inputs):
            drawn = layer.get_random_transformation_batch(1, **inputs)
            return _repeat(drawn, batch_size, DynamicBackend("tensorflow"))

        def augment_batch(inputs):
            drawn = layer.get_random_transformation(image=inputs["images"][0])
            one_draw = _view(
                layer, get_random_transformation=lambda **inputs: drawn
            )
            return one_draw._batch_augment(inputs)

        # Its own `call()` converts tensors from and to TensorFlow.
        if hasattr(layer, "augment_images"):
            view = _view(layer, get_random_transformation_batch=draw_batch)
        else:
            view = _view(layer, _batch_augment=augment_batch)
        return view.call(clip)

    def _map(self, function, xs):
        """Returns the outputs of a function of each clip or frame, stacked."""
        ops = self.backend
        if ops.name == "tensorflow":
            return ops.core.map(function, xs)
        # JAX's own map would be compiled anew in each call.
        xs = zip(*xs, strict=True) if isinstance(xs, tuple) else xs
        return ops.numpy.stack([function(x) for x in xs])

    def compute_output_spec(self, inputs, training=True, seed=None):
        shape = tuple(inputs.shape)
        frame_shape = self.image_layer.compute_output_shape((None, *shape[-3:]))
        return keras.KerasTensor(
            (*shape[:-3], *frame_shape[1:]), self.compute_dtype
        )

    def get_config(self):
        return {
            **super().get_config(),
            "image_layer": keras.saving.serialize_keras_object(
                self.image_layer
            ),
        }

    @classmethod
    def from_config(cls, config):
        image_layer = keras.saving.deserialize_keras_object(
            config["image_layer"]
        )
        return cls(**{**config, "image_layer": image_layer})

    def _check_image_layer(self, layer):
        is_keras = hasattr(layer, "transform_images")
        is_keras_cv = not _overrides(layer, "_augment", "_batch_augment") and (
            _overrides(
                layer,
                "get_random_transformation",
                "get_random_transformation_batch",
            )
        )
        excluded = _EXCLUDED_KERAS if is_keras else _EXCLUDED_KERAS_CV
        if type(layer).__name__ in excluded or not (is_keras or is_keras_cv):
            raise ValueError(
                "`image_layer` must be an image augmentation of Keras, but for "
                f"{', '.join(_EXCLUDED_KERAS)}; or one of KerasCV that has "
                "its own `get_random_transformation()`, but for "
                f"{', '.join(_EXCLUDED_KERAS_CV)}. "
                f"Received: image_layer={layer}"
            )
        if getattr(layer, "data_format", None) == "channels_first":
            raise ValueError(
                "`image_layer` must take images with channels last. "
                "Received: data_format='channels_first'"
            )


class _ClipSeeds(keras.random.SeedGenerator):
    """Gives the seeds of all draws for one clip.

    It has no variable as state, so that it may live in loops and in compiled
    functions.
    """

    def __init__(self, seed, backend):
        self.seed = seed
        self.backend = backend
        self.num_draws = 0

    def next(self, ordered=True):
        ops = self.backend
        self.num_draws += 1
        dtype = ops.random_seed_dtype()
        return ops.cast(ops.numpy.stack([self.seed, self.num_draws]), dtype)


def _view(layer, **attributes):
    """Returns a layer that shares all with another one but some attributes.

    So the layer of the caller stays as it is, also while other threads use it.
    """
    view = object.__new__(type(layer))
    # With PyTorch, layers inside a layer are in a dict of their own.
    shared = {**vars(layer), **vars(layer).get("_modules", {})}
    for name, value in shared.items():
        if isinstance(value, keras.layers.Layer):
            value = _view(value, **attributes)
        vars(view)[name] = value
    vars(view).update(attributes)
    return view


def _repeat(drawn, num_frames, ops):
    """Repeats parameters of one image for all frames."""

    def repeat(x):
        if ops.is_tensor(x) and len(x.shape) > 0 and x.shape[0] == 1:
            zeros = ops.numpy.zeros((num_frames,), dtype="int32")
            return ops.numpy.take(x, zeros, axis=0)
        return x

    return keras.tree.map_structure(repeat, drawn)


def _overrides(layer, *names):
    """Returns whether a class beside the base class defines a method."""
    classes = type(layer).__mro__
    return any(sum(name in vars(c) for c in classes) > 1 for name in names)
