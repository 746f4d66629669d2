"""Volume CutMix augmentation."""

import keras

from ssdet_keras.layers.clip_pair_augmentation import ClipPairAugmentation

_MODES = ("window", "view", "random")
_WINDOW, _VIEW = 0, 1


@keras.saving.register_keras_serializable(package="ssdet_keras")
class VolumeCutMix(ClipPairAugmentation):
    """Shows each clip beside another clip of the batch.

    In the mode `"window"` (Transient Window) clips overlap in time as in
    `VolumeMixUp`, with the same weight alpha. During the overlap a vertical
    plane at column `alpha * width` splits the frame: clip 1 is on its left,
    clip 2 on its right, with a linear transition to each side of the plane.
    The label of clip 1 is weighted with the area of its window, which is the
    mean of its mask:

        alpha      1         3/4        1/2        1/4         0
        frame  |11111111| |11111122| |11112222| |11222222| |22222222|

    In the mode `"view"` (Transient View) both clips have all frames and no
    shift. Each fills a window of 9/16 of the width, blended over the middle
    1/8, and inside the windows the contents move sideways, by 7/16 of the
    width over the clip: clip 1 to the left, clip 2 to the right. Labels are
    half and half:

        columns of clip 1 and clip 2, from the first to the last frame

        |abcdEFGH|   |bcdeDEFG|   |cdefCDEF|   |defgBCDE|   |efghABCD|

    This layer is safe to use in a `tf.data` pipeline with any Keras backend.

    Args:
        mode: `"window"`, `"view"`, or `"random"`, which draws one of the two
            for each clip. Defaults to `"window"`.
        min_length: Float in `(0, 1]`. Shortest clip in the mode `"window"`, as
            a fraction of its frames. Defaults to `0.5`.
        transition: Float in `[0, 0.5]`. Width of the transition to each side of
            the moving plane, as a fraction of the width. Defaults to `1 / 16`.
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
        ValueError: If an argument is outside the range above.

    Example:

    ```python
    cut_mix = ssdet_keras.layers.VolumeCutMix(mode="random", seed=0)
    batch = cut_mix(
        {"videos": np.ones((2, 16, 8, 8, 3)), "labels": np.ones((2, 16, 5))}
    )
    ```

    Reference:
        [Kahatapitiya et al., 2023](https://arxiv.org/abs/2111.13675), the
        paragraph "Volume CutMix" and Figure 6. The widths of the transitions
        and of the views are those of the authors' released code.
    """

    def __init__(
        self,
        mode="window",
        min_length=0.5,
        transition=1 / 16,
        rate=1.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(min_length=min_length, rate=rate, seed=seed, **kwargs)
        if mode not in _MODES:
            raise ValueError(
                f"`mode` must be one of {_MODES}. Received: mode={mode!r}"
            )
        if not 0.0 <= transition <= 0.5:
            raise ValueError(
                "`transition` must be in the range [0, 0.5]. "
                f"Received: transition={transition}"
            )
        self.mode = mode
        self.transition = float(transition)

    def get_random_transformation(self, batch, seed=None):
        """Draws one set of parameters per clip.

        Returns:
            Dict of int32 tensors of shape `(batch,)`: `"partner"`,
            `"length_1"`, `"length_2"`, `"shift"`, `"mode"` (0 is window, 1 is
            view), and `"width"`, the columns whose mean is the area. Without
            the last, labels take the area of a frame of 4096 columns.
        """
        return self._map_draws(self._to_cuts, 7, batch, seed)

    def _to_cuts(self, draws, shape, mask):
        ops = self.backend
        batch_size, num_frames, _, width = shape[:4]
        pair = self._to_pairs(draws, shape, mask)

        view_share = {"window": 0.0, "random": 0.5, "view": 1.0}[self.mode]
        is_view = (draws[6] < view_share) & (draws[5] < self.rate)
        whole = {"length_1": num_frames, "length_2": num_frames, "shift": 0}
        for key, value in whole.items():
            pair[key] = ops.cast(
                ops.numpy.where(is_view, value, pair[key]), "int32"
            )
        ones = ops.numpy.ones((batch_size,), dtype="int32")
        return {
            **pair,
            "mode": ops.cast(ops.numpy.where(is_view, _VIEW, _WINDOW), "int32"),
            "width": ones * width,
        }

    def plan_frames(self, transformation, num_frames, width=None):
        plan = super().plan_frames(transformation, num_frames, width)
        alpha = plan.weight
        if width is None:
            # Parameters made by hand may lack it: that of a fine grid.
            width = self._column(transformation.get("width", [4096]))
            area = self._area(alpha, transformation, width[..., None])
            return plan._replace(weight=area)
        return plan._replace(
            weight=self._window(alpha, transformation, width),
            move=self._move(transformation, num_frames, width),
        )

    def _alpha(self, transformation, num_frames):
        is_view = self._column(transformation["mode"]) == _VIEW
        alpha = super()._alpha(transformation, num_frames)
        return self.backend.numpy.where(is_view, 0.5, alpha)

    def _window(self, alpha, transformation, width):
        """Returns the mask of clip 1, `(batch, frames, width)`."""
        ops = self.backend
        column = ops.numpy.arange(width, dtype="float32") + 0.5
        plane, reach = self._plane(alpha, transformation, width)
        weight = (plane + reach - column) / (2 * reach)
        # Outside the overlap there is no plane, and no edge of an absent clip.
        weight = ops.numpy.where(alpha >= 1, 1.0, weight)
        weight = ops.numpy.where(alpha <= 0, 0.0, weight)
        return ops.numpy.clip(weight, 0.0, 1.0)

    def _area(self, alpha, transformation, width):
        """Returns the mean of the mask of clip 1, `(batch, frames, 1)`.

        The columns form an arithmetic series between those of weight 1 and
        those of weight 0, so the mean needs no mask.
        """
        ops = self.backend
        plane, reach = self._plane(alpha, transformation, width)
        width = ops.cast(width, "float32")
        num_full = ops.numpy.floor(plane - reach + 0.5)
        num_full = ops.numpy.maximum(num_full, 0)
        num_shown = ops.numpy.ceil(plane + reach - 0.5)
        num_shown = ops.numpy.minimum(num_shown, width)
        num_partly = num_shown - num_full
        mean_partly = (plane + reach - (num_full + num_shown) / 2) / (2 * reach)
        area = (num_full + num_partly * mean_partly) / width
        area = ops.numpy.where(alpha >= 1, 1.0, area)
        return ops.numpy.where(alpha <= 0, 0.0, area)

    def _plane(self, alpha, transformation, width):
        """Returns the plane's column and its transition, in pixels.

        They have the shapes `(batch, frames, 1)` and `(batch, 1, 1)`.
        """
        ops = self.backend
        width = ops.cast(width, "float32")
        is_view = self._column(transformation["mode"])[..., None] == _VIEW
        reach = ops.numpy.where(is_view, 1 / 16, self.transition)
        reach = ops.cast(reach, "float32") * width
        # A transition of less than a pixel is a hard edge.
        return alpha * width, ops.numpy.maximum(reach, 1e-3)

    def _move(self, transformation, num_frames, width):
        """Returns how far the views moved, 7/16 of the width at the end."""
        ops = self.backend
        time = ops.numpy.arange(num_frames, dtype="float32")[None]
        last = ops.cast(ops.numpy.maximum(num_frames - 1, 1), "float32")
        way = time / last * ops.cast(width, "float32") * (7 / 16)
        way = ops.cast(ops.numpy.round(way), "int32")
        is_view = self._column(transformation["mode"]) == _VIEW
        return ops.numpy.where(is_view, way, 0)

    def get_config(self):
        return {
            **super().get_config(),
            "mode": self.mode,
            "transition": self.transition,
        }
