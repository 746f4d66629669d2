"""Volume MixUp augmentation."""

import keras

from ssdet_keras.layers.clip_pair_augmentation import ClipPairAugmentation


@keras.saving.register_keras_serializable(package="ssdet_keras")
class VolumeMixUp(ClipPairAugmentation):
    """Blends each clip over time into another clip of the batch.

    Clip 2 is shifted against clip 1, and the weight alpha of clip 1 falls
    linearly over their overlap (scenario 1), or falls and rises again where
    clip 2 ends before clip 1 (scenario 2). Videos and labels are mixed with
    the same weights, `alpha * clip_1 + (1 - alpha) * clip_2`:

        length_1=6, shift=2, length_2=6        length_1=8, shift=2, length_2=4

        frame    0 1 2  3  4  5  6 7           frame    0 1 2 3  4 5  6 7
        clip 1   x x x  x  x  x                clip 1   x x x x  x x  x x
        clip 2       x  x  x  x  x x           clip 2       x x  x x
        alpha    1 1 1 3/4 .5 1/4 0 0          alpha    1 1 1 .5 0 .5 1 1

    Both clips have at least `min_length` of their frames, and together they
    cover the window. A clip is its own partner only in a batch of one.

    This layer is safe to use in a `tf.data` pipeline with any Keras backend.

    Args:
        min_length: Float in `(0, 1]`. Shortest clip, as a fraction of its
            frames. Defaults to `0.5`.
        rate: Float in `[0, 1]`. Probability of augmenting a clip.
            Defaults to `1.0`.
        seed: Integer or `None`. Seed of the layer's random state.
        **kwargs: Keyword arguments of `VideoAugmentation`, such as `dtype`.

    Call arguments:
        inputs: Dict with keys `"videos"`, shape `(batch, frames, height, width,
            channels)`, `"labels"`, shape `(batch, frames, classes)`, and
            optionally `"mask"`, shape `(batch, frames)`; or a tuple `(videos,
            labels)`. The batch axis may be missing from all.
        training: Boolean. Defaults to `True`.
        seed: Integer or `None`. Seed of this call alone.

    Returns:
        A new dict or tuple of the same structure and shapes.

    Raises:
        ValueError: If `min_length` is outside `(0, 1]`.

    Example:

    ```python
    mix_up = ssdet_keras.layers.VolumeMixUp(seed=0)
    batch = mix_up(
        {"videos": np.ones((2, 16, 8, 8, 3)), "labels": np.ones((2, 16, 5))}
    )
    ```

    Reference:
        [Kahatapitiya et al., 2023](https://arxiv.org/abs/2111.13675), the
        paragraph "Volume MixUp" and Figure 5.
    """
