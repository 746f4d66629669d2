"""Features of all stages of a backbone."""

import keras

from ssdet_keras.layers.spatial_pooling import SpatialPooling
from ssdet_keras.models.split_stages import split_stages


def feature_pyramid(backbone, size=7):
    """Returns a model that gives the features of every stage of a backbone.

    This is what a second stream sees of the first one, and what
    `recipes/extract_features.py` writes:

        stage1    (batch, frames, 7, 7, 24)     of X3D-M
        stage2    (batch, frames, 7, 7, 48)
        stage3    (batch, frames, 7, 7, 96)
        stage4    (batch, frames, 7, 7, 192)
        output    (batch, frames, 7, 7, 432)
        features  (batch, frames, 432)          the mean over space

    Args:
        backbone: `keras.Model` with `pyramid_outputs`, such as `X3DBackbone`.
        size: Integer. Height and width of the maps, which are averaged.
            Defaults to `7`, as published.

    Returns:
        `keras.Model` that shares the layers of the backbone, from its inputs to
        a dict of tensors.

    Raises:
        ValueError: If the backbone does not name its stages.

    Example:

    ```python
    fine = ssdet_keras.models.feature_pyramid(detector.backbone)
    features = fine.predict_on_batch(videos)
    features["stage1"].shape  # (batch, frames, 7, 7, 24)
    ```

    Reference:
        [Kahatapitiya and Ryoo, 2021](https://arxiv.org/abs/2103.01302), the
        features of the Fine stream.
    """
    outputs = {}
    x = backbone.input
    for name, part in split_stages(backbone).items():
        x = part(x)
        if name != "stem":
            outputs[name] = SpatialPooling(
                size, dtype=backbone.dtype_policy, name=f"{name}_pooling"
            )(x)
    outputs["features"] = keras.ops.mean(x, axis=(2, 3))
    return keras.Model(backbone.input, outputs)
