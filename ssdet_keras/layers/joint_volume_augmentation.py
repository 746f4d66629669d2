"""Joint application of several volume augmentations."""

import itertools

import keras

from ssdet_keras.layers.frame_plan import FramePlan
from ssdet_keras.layers.video_augmentation import VideoAugmentation
from ssdet_keras.layers.volume_augmentation import VolumeAugmentation
from ssdet_keras.ops.frames import mix_frames

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
        drawn = self._map_draws(self._to_choice, 2, batch, seed)
        drawn["layers"] = [
            layer.get_random_transformation(
                batch, None if seed is None else seed + _SEED_STEP * (i + 1)
            )
            for i, layer in enumerate(self.layers)
        ]
        return drawn

    def _to_choice(self, draws, shape, mask):
        ops = self.backend
        num_choices = len(self.layers) if self.strategy == "single" else 1
        choice = self._integers(draws[0], 0, num_choices - 1)
        choice = ops.numpy.where(draws[1] < self.rate, choice, -1)
        return {"choice": ops.cast(choice, "int32")}

    def transform_videos(self, videos, transformation):
        return self._apply("videos", videos, transformation)

    def transform_labels(self, labels, transformation):
        return self._apply("labels", labels, transformation)

    def transform_mask(self, mask, transformation):
        return self._apply("mask", mask, transformation)

    def _apply(self, key, x, transformation):
        x = self.backend.convert_to_tensor(x)
        numbers = range(len(self.layers))
        if self.strategy == "single":
            planned = list(filter(self._is_planned, numbers))
            output = self._apply_plans(key, x, transformation, planned)
            for i in sorted({*numbers} - {*planned}):
                # Of the originals: a partner may have had another layer.
                output = self._apply_layer(key, x, transformation, i, output)
            return output
        for is_planned, group in itertools.groupby(numbers, self._is_planned):
            if is_planned:
                x = self._apply_plans(key, x, transformation, list(group))
            else:
                for i in group:
                    x = self._apply_layer(key, x, transformation, i, x)
        return x

    def _is_planned(self, number):
        return isinstance(self.layers[number], VolumeAugmentation)

    def _apply_plans(self, key, x, transformation, numbers):
        """Applies those of the layers that say what frames show."""
        ops = self.backend
        shape = ops.shape(x)
        width = shape[3] if key == "videos" else None
        plans = self._call_on_host(
            self._plan, transformation, shape[1], width, numbers
        )
        if key == "videos":
            return mix_frames(x, plans, ops.name)
        for plan in plans:
            x = getattr(plan, f"show_{key}")(x, ops)
        return x

    def _plan(self, transformation, num_frames, width, numbers):
        """Returns a list of one plan for all layers, or of one for each."""
        ops = self.backend
        choice = ops.convert_to_tensor(transformation["choice"])
        still = FramePlan.still(ops.shape(choice)[0], num_frames, ops)
        plans = [
            self.layers[i].plan_frames(
                transformation["layers"][i], num_frames, width
            )
            for i in numbers
        ]
        if self.strategy == "independent":
            return [plan.where(choice >= 0, still, ops) for plan in plans]
        joined = still
        for i, plan in zip(numbers, plans, strict=True):
            joined = plan.where(choice == i, joined, ops)
        return [joined]

    def _apply_layer(self, key, x, transformation, number, otherwise):
        """Applies one of the other layers to the clips that it is chosen for.

        The rest of the clips are those of `otherwise`.
        """
        ops = self.backend
        choice = ops.convert_to_tensor(transformation["choice"])
        is_chosen = choice == number
        if self.strategy == "independent":
            is_chosen = choice >= 0
        changed = getattr(self.layers[number], f"transform_{key}")(
            x, transformation["layers"][number]
        )
        ones = (1,) * (len(x.shape) - 1)
        is_chosen = ops.numpy.reshape(is_chosen, (-1, *ones))
        return ops.numpy.where(is_chosen, changed, otherwise)

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
