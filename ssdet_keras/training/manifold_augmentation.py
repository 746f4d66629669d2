"""Volume augmentation of feature maps."""

import keras

from ssdet_keras._keras import no_automatic_dependency_tracking
from ssdet_keras.layers.random_video_layer import RandomVideoLayer
from ssdet_keras.layers.video_augmentation import VideoAugmentation
from ssdet_keras.models.frame_detector import FrameDetector
from ssdet_keras.models.split_stages import split_stages

# Keeps the draw of the depth apart from those of the augmentation.
_SEED_STEP = 15485863


@keras.saving.register_keras_serializable(package="ssdet_keras")
class ManifoldAugmentation(keras.Model):
    """Trains a detector on augmented feature maps instead of pixels.

    `draw()` draws the parameters of a batch and the depth at which they apply,
    and transforms the labels. The model transforms the videos, or the feature
    maps after one stage of the backbone, with the same parameters:

        batch -- draw() -- labels, mask
                   |
             transformation     applied at one of these depths:
                   |
        input      +------> videos
                   |           | stem
        stem       +------> feature maps
                   |           | stage1
        stage1     +------> feature maps
                  ...         ...
        stage4     +------> feature maps
                               | the rest of the detector
                            logits

    The two are apart so that a batch depends on its seed alone, with any number
    of workers, and also after a run was resumed. The label of `VolumeCutMix` is
    the area that is visible in the feature maps, whose columns are fewer.

    Without training this model is the detector, and it has no other weights.
    `save()` saves the detector, without a trace of the augmentation.

    Args:
        detector: `FrameDetector` whose backbone has `pyramid_outputs` and does
            not stride time, such as `X3DBackbone`.
        augmentation: `VideoAugmentation` layer. Its dtype has no effect: videos
            and feature maps keep theirs.
        depth: `"input"`, the name of a stage in `pyramid_outputs` (`"stem"`,
            `"stage1"`, ..., `"stage4"`), or `"random"`, which draws one of all
            these for each batch. Defaults to `"random"`.
        seed: Integer or `None`. Seed of the depths; the augmentation has its
            own.
        **kwargs: Keyword arguments of `keras.Model`, such as `name`.

    Call arguments:
        inputs: Dict with keys `"videos"`, shape `(batch, frames, height, width,
            3)`, uint8 or float, and, to train, `"transformation"`, both as in
            the outputs of `draw()`.
        training: Boolean. Whether to augment.

    Returns:
        Float32 logits of shape `(batch, frames, num_classes)`.

    Raises:
        ValueError: If the detector is no `FrameDetector`, if its backbone has
            no stages or strides time, if the augmentation is no
            `VideoAugmentation`, or if the depth is unknown.

    Example:

    ```python
    model = ssdet_keras.training.ManifoldAugmentation(
        detector, ssdet_keras.layers.VolumeMixUp(seed=0), seed=1
    )
    model.compile("sgd", ssdet_keras.training.DetectionLoss())
    dataset = dataset.map(model.draw)  # dicts of "videos" and "labels"
    model.fit(dataset.map(lambda batch: (batch, batch["labels"])))
    model.save("detector.keras")
    ```

    Reference:
        [Kahatapitiya et al., 2023](https://arxiv.org/abs/2111.13675), section
        "Experiments", after
        [Verma et al., 2019](https://arxiv.org/abs/1806.05236).
    """

    def __init__(
        self, detector, augmentation, depth="random", seed=None, **kwargs
    ):
        if not isinstance(detector, FrameDetector):
            raise ValueError(
                "`detector` must be a `FrameDetector`. "
                f"Received: detector={detector!r}"
            )
        # Pixels are normalised in float32, whatever the policy.
        kwargs = {"dtype": detector.dtype_policy, "autocast": False, **kwargs}
        super().__init__(**kwargs)
        if not isinstance(augmentation, VideoAugmentation):
            raise ValueError(
                "`augmentation` must be a `VideoAugmentation` layer. "
                f"Received: augmentation={augmentation!r}"
            )
        self.detector = detector
        self.depth = depth
        self.seed = seed
        self._split(detector.backbone)
        self._check_frames(detector.backbone)
        if depth not in (*self._depths, "random"):
            raise ValueError(
                f"`depth` must be one of {[*self._depths, 'random']}. "
                f"Received: depth={depth!r}"
            )
        self._set_draws(augmentation)
        self.built = True

    def draw(self, batch, seed=None):
        """Draws the parameters of a batch, and transforms its labels.

        Where a batch is split between devices, draw for each part: partners
        are clips of the batch that is given.

        This method is safe to use in a `tf.data` pipeline with any Keras
        backend, before a model is fitted and at the same time.

        Args:
            batch: Dict with keys `"videos"`, shape `(batch, frames, height,
                width, 3)`, with known height and width, `"labels"`, shape
                `(batch, frames, classes)`, and optionally `"mask"`, shape
                `(batch, frames)`. Other keys pass through untouched.
            seed: Integer or `None`. Seed of this batch alone.

        Returns:
            A new dict with the same videos, with transformed labels and mask,
            and with `"transformation"`, a dict of `"depth"`, int32 of shape
            `(batch,)`, 0 for the videos, 1 for the first stage and so on, the
            same for the whole batch; and `"parameters"`, those of the
            augmentation.

        Raises:
            ValueError: If height or width are unknown.
        """
        videos = batch["videos"]
        if None in tuple(videos.shape)[2:]:
            raise ValueError(
                "`videos` must have a known height and width. "
                f"Received: videos.shape={tuple(videos.shape)}"
            )
        ops = self._random_depth.backend
        shapes = self._feature_shapes((None, *videos.shape[1:]))
        depth = self._random_depth.get_random_transformation(batch, seed)
        widths = ops.convert_to_tensor([shape[3] for shape in shapes], "int32")
        # Of the batch, the augmentation takes nothing but the sizes: the width
        # is that of the feature maps.
        width = ops.numpy.take(widths, depth["depth"][0])
        features = {**batch, "videos": videos[:, :, :1, :width]}
        parameters = self.augmentation.get_random_transformation(features, seed)
        labels = ops.cast(batch["labels"], "float32")
        outputs = {
            **batch,
            "labels": self.augmentation.transform_labels(labels, parameters),
            "transformation": {
                **depth,
                # `tf.data` takes lists for tensors.
                "parameters": keras.tree.lists_to_tuples(parameters),
            },
        }
        if batch.get("mask") is not None:
            mask = ops.cast(batch["mask"], "float32")
            outputs["mask"] = self.augmentation.transform_mask(mask, parameters)
        return outputs

    def call(self, inputs, training=None):
        videos = inputs["videos"]
        if not training:
            return self.detector(videos, training=False)
        x = videos
        for depth, part in enumerate(self._parts):
            x = self._transform(x, depth, inputs["transformation"])
            # JAX trains without the context that would hand `training` on.
            x = part(x, training=training)
        features = keras.ops.mean(x, axis=(2, 3))
        logits = self.detector.head(features, training=training)
        return self.detector.get_layer("upsampling")(logits, videos)

    def _transform(self, x, depth, transformation):
        if self.depth not in ("random", self._depths[depth]):
            return x
        return keras.ops.cond(
            transformation["depth"][0] == depth,
            lambda: self.augmentation.transform_videos(
                x, transformation["parameters"]
            ),
            lambda: x,
        )

    def save(self, filepath, overwrite=True, **kwargs):
        """Saves the detector, as `keras.Model.save` does."""
        self.detector.save(filepath, overwrite=overwrite, **kwargs)

    @no_automatic_dependency_tracking
    def _split(self, backbone):
        """Cuts the backbone where an augmentation can be."""
        parts = split_stages(backbone)
        self._depths = ("input", *list(parts)[:-1])
        self._parts = list(parts.values())

    @no_automatic_dependency_tracking
    def _set_draws(self, augmentation):
        # Not tracked: random states are no part of the trained model, and
        # loaders draw while it is fitted.
        self.augmentation = augmentation
        depths = range(len(self._depths))
        if self.depth != "random":
            depths = [self._depths.index(self.depth)]
        self._random_depth = _RandomDepth(list(depths), seed=self.seed)

    def _feature_shapes(self, videos_shape):
        """Returns the shape of what can be augmented at each depth."""
        shapes = [videos_shape]
        for part in self._parts[:-1]:
            shapes.append(part.compute_output_shape(shapes[-1]))
        return shapes

    def _check_frames(self, backbone):
        videos_shape = (None, *(n or 64 for n in backbone.input_shape[1:]))
        for shape in self._feature_shapes(videos_shape):
            if shape[1] != videos_shape[1]:
                raise ValueError(
                    "`detector.backbone` must keep the number of frames at "
                    f"every stage. Received: {videos_shape[1]} frames in and "
                    f"{shape[1]} out of a stage"
                )

    def get_config(self):
        return {
            "name": self.name,
            "detector": keras.saving.serialize_keras_object(self.detector),
            "augmentation": keras.saving.serialize_keras_object(
                self.augmentation
            ),
            "depth": self.depth,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for key in ("detector", "augmentation"):
            config[key] = keras.saving.deserialize_keras_object(
                config[key], custom_objects=custom_objects
            )
        return cls(**config)


class _RandomDepth(RandomVideoLayer):
    """Draws one of the given depths for a whole batch."""

    def __init__(self, depths, seed=None):
        super().__init__(seed=seed)
        self._depths = depths

    def get_random_transformation(self, batch, seed=None):
        ops = self.backend
        batch_size = ops.shape(batch["videos"])[0]
        seed = None if seed is None else seed + _SEED_STEP
        draw = self._uniform(1, 1, seed)[0]
        index = self._integers(draw, 0, len(self._depths) - 1)
        depths = ops.convert_to_tensor(self._depths, "int32")
        ones = ops.numpy.ones((batch_size,), dtype="int32")
        return {"depth": ones * ops.numpy.take(depths, index)}
