"""Heat maps of the centres of activities."""

import numpy as np


def center_heat_maps(labels):
    """Returns a bump at the centre of every activity, as wide as it is long.

        labels     0   0   1   1   1   0   0
        heat map  .43 .68 .91  1  .91 .68 .43

    An activity is a run of d frames whose label is at least one half. Its bump
    has the height 1 at the middle frame, the later one of two, and falls off as
    `exp(-(x / s)^2)` with `s = d + 1/4`, up to 2 d frames from there. Where
    bumps of a class meet, the higher one counts.

    Args:
        labels: Array of shape `(frames, classes)` or `(batch, frames,
            classes)`, negative at padding.

    Returns:
        Float32 array of the same shape, -1 at padding.

    Raises:
        ValueError: If the rank is not 2 or 3.

    Example:

    ```python
    heat_maps = ssdet_keras.training.center_heat_maps(labels)
    ```

    Reference:
        [Dai et al., 2022](https://arxiv.org/abs/2112.03902), section 3.4. The
        width is that of the authors' code, which starts from annotated
        segments: activities of one class that touch are one here.
    """
    labels = np.asarray(labels)
    if labels.ndim not in (2, 3):
        raise ValueError(
            "`labels` must be (frames, classes) or (batch, frames, classes). "
            f"Received: labels.shape={labels.shape}"
        )
    if labels.ndim == 3:
        return np.stack([center_heat_maps(video) for video in labels])
    heat_maps = np.zeros(labels.shape, "float32")
    is_active = np.pad(labels >= 0.5, ((1, 1), (0, 0))).astype("int8")
    change = np.diff(is_active, axis=0).T
    class_indices, starts = np.nonzero(change == 1)
    _, ends = np.nonzero(change == -1)
    for class_index, start, end in zip(
        class_indices, starts, ends, strict=True
    ):
        duration = end - start
        radius, center = 2 * duration, (start + end) // 2
        frames = np.arange(
            max(0, center - radius), min(len(labels), center + radius + 1)
        )
        bump = np.exp(-(((frames - center) / (duration + 0.25)) ** 2))
        heat_map = heat_maps[frames, class_index]
        heat_maps[frames, class_index] = np.maximum(heat_map, bump)
    heat_maps[(labels < 0).any(axis=1)] = -1
    return heat_maps
