"""Joint application of several volume augmentations."""

import keras

from ssdet_keras.layers.frame_plan import FramePlan
from ssdet_keras.layers.video_augmentation import VideoAugmentation
from ssdet_keras.layers.volume_augmentation import VolumeAugmentation

# Keeps the draws of the layers apart when they share one seed. A prime, so that
# consecutive seeds of a caller don't meet.
_SEED_STEP = 7919


@keras.saving.register_keras_serializable(package="ssdet_keras")
class JointVolumeAugmentation(VideoAugmentation):
    """Applies one or several of the given augmentations to each clip.

        strategy="single"               strategy="independent"

        clip 0   mix up                 clip 0   freeze           cut mix
        clip 1   freeze                 clip 1           mix up
        clip 2   cut mix                clip 2   freeze  mix up

    This layer is safe to use in a `tf.data` pipeline with any Keras backend.

    Args:
        layers: List of `VideoAugmentation` layers.
        strategy: `"single"` applies one randomly chosen layer to each clip, the
            paper's "Joint train - single". `"independent"` applies the layers
            in their order, each with the probability of its own `rate`, the
            paper's "Joint train". Defaults to `"single"`.
        rate: Float in `[0, 1]`. Probability of augmenting a clip at all.
            Defaults to `1.0`.
        seed: Integer or `None`. Seed of the choices; the layers have their own.
        **kwargs: Keyword arguments of `VideoAugmentation`, such as `dtype`.

    Call arguments:
        inputs: Dict with keys `"videos"`, shape `(batch, frames, height, width,
            channels)`, `"labels"`, shape `(batch, frames, classes)`, and
            optionally `"mask"`, shape `(batch, frames)`; or a tuple `(videos,
            labels)`. The batch axis may be missing from all.
        training: Boolean. Defaults to `True`.
        seed: Integer or `None`. Seed of this call alone, layers included.

    Returns:
        A new dict or tuple of the same structure and shapes.

    Raises:
        ValueError: If there are no layers, or one is no `VideoAugmentation`, or
            if the strategy is unknown.

    Example:

    ```python
    joint = ssdet_keras.layers.JointVolumeAugmentation(
        [
            ssdet_keras.layers.VolumeFreeze(seed=0),
            ssdet_keras.layers.VolumeMixUp(seed=1),
            ssdet_keras.layers.VolumeCutMix(seed=2),
        ],
        seed=3,
    )
    ```

    Reference:
        [Kahatapitiya et al., 2023](https://arxiv.org/abs/2111.13675), the
        paragraph "Combining Augmentations".
    """

    def __init__(
        self, layers, strategy="single", rate=1.0, seed=None, **kwargs
    ):
        super().__init__(rate=rate, seed=seed, **kwargs)
        layers = list(layers)
        if not layers or not all(
            isinstance(layer, VideoAugmentation) for layer in layers
        ):
            raise ValueError(
                "`layers` must be a list of at least one `VideoAugmentation` "
                f"layer. Received: layers={layers}"
            )
        if strategy not in ("single", "independent"):
            raise ValueError(
                "`strategy` must be 'single' or 'independent'. "
                f"Received: strategy={strategy!r}"
            )
        self.layers = layers
        self.strategy = strategy

    def get_random_transformation(self, batch, seed=None):
        """Draws one set of parameters per clip.

        Returns:
            Dict of `"choice"`, int32 of shape `(batch,)`, the index of the
            layer that is applied to the clip (-1 for none; with the strategy
            `"independent"`, 0 for all and -1 for none), and `"layers"`, the
            list of the layers' own transformations.
        """
        ops = self.backend
        num_clips = ops.shape(self._num_valid_frames(batch))[0]
        draws = self._uniform(2, num_clips, seed)
        num_choices = len(self.layers) if self.strategy == "single" else 1
        choice = self._integers(draws[0], 0, num_choices - 1)
        transformations = []
        for i, layer in enumerate(self.layers):
            layer_seed = None if seed is None else seed + _SEED_STEP * (i + 1)
            transformations.append(
                layer.get_random_transformation(batch, layer_seed)
            )
        choice = ops.numpy.where(draws[1] < self.rate, choice, -1)
        return {
            "choice": ops.cast(choice, "int32"),
            "layers": transformations,
        }

    def transform_videos(self, videos, transformation):
        return self._apply("videos", videos, transformation)

    def transform_labels(self, labels, transformation):
        return self._apply("labels", labels, transformation)

    def transform_mask(self, mask, transformation):
        return self._apply("mask", mask, transformation)

    def _apply(self, key, x, transformation):
        ops = self.backend
        x = ops.convert_to_tensor(x)
        choice = ops.convert_to_tensor(transformation["choice"])
        given = transformation["layers"]
        steps = list(zip(self.layers, given, strict=True))
        if self.strategy == "single":
            is_chosen = [choice == i for i in range(len(steps))]
            return self._apply_chosen(key, x, steps, is_chosen)
        for step in steps:
            x = self._apply_chosen(key, x, [step], [choice >= 0])
        return x

    def _apply_chosen(self, key, x, steps, is_chosen):
        """Applies to each clip the step that is chosen for it, if any."""
        ops = self.backend
        shape = ops.shape(x)
        width = shape[3] if key == "videos" else None
        plan = FramePlan.still(shape[0], shape[1], ops)
        others = []
        for (layer, given), condition in zip(steps, is_chosen, strict=True):
            if isinstance(layer, VolumeAugmentation):
                own = layer.plan_frames(given, shape[1], width)
                plan = own.where(condition, plan, ops)
            else:
                others.append((layer, given, condition))
        output = getattr(plan, f"show_{key}")(x, ops)
        for layer, given, condition in others:
            # Of the originals: a partner may have had another layer.
            changed = getattr(layer, f"transform_{key}")(x, given)
            ones = (1,) * (len(shape) - 1)
            condition = ops.numpy.reshape(condition, (-1, *ones))
            output = ops.numpy.where(condition, changed, output)
        return output

    def get_config(self):
        layers = [
            keras.saving.serialize_keras_object(layer) for layer in self.layers
        ]
        return {
            **super().get_config(),
            "layers": layers,
            "strategy": self.strategy,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        config["layers"] = [
            keras.saving.deserialize_keras_object(layer)
            for layer in config["layers"]
        ]
        return cls(**config)
