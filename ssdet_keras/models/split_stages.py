"""Cutting a backbone into its stages."""

import itertools

import keras


def split_stages(backbone):
    """Returns the parts of a backbone, one after the other.

        videos -- stem -- stage1 -- ... -- stage4 -- output -- features

    They share the layers and weights of the backbone. Applied to other inputs,
    of any number of frames, with something in between, they make up another
    model.

    Args:
        backbone: `keras.Model` with `pyramid_outputs`, such as `X3DBackbone`.

    Returns:
        Dict of `"stem"`, `"stage1"` and so on to the `keras.Model` that gives
        this output of the pyramid. `"output"` is the rest, where there is one.

    Raises:
        ValueError: If the backbone does not name its stages.

    Example:

    ```python
    parts = ssdet_keras.models.split_stages(backbone)
    x = inputs
    for name, part in parts.items():
        x = part(x)
        if name == "stage1":
            x = keras.layers.MaxPooling3D((4, 1, 1))(x)
    ```
    """
    outputs = getattr(backbone, "pyramid_outputs", {})
    if not outputs:
        raise ValueError(
            "`backbone` must name its stages in `pyramid_outputs`. "
            f"Received: backbone={backbone!r}"
        )
    cuts = [backbone.input, *outputs.values(), backbone.output]
    parts = {
        name: keras.Model(*ends, name=f"{name}_part")
        for name, ends in zip(
            [*outputs, "output"], itertools.pairwise(cuts), strict=True
        )
        if ends[0] is not ends[1]
    }
    for part in parts.values():
        # Also where the backbone was made for frames of one number and size.
        part.input_spec = keras.layers.InputSpec(
            ndim=5, axes={-1: part.input_shape[-1]}
        )
    return parts
