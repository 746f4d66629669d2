"""Parameters, multiply-adds, activations and receptive field of a model."""

import math
from typing import NamedTuple

import keras

from ssdet_keras.layers.conv3d import Conv3D
from ssdet_keras.layers.depthwise_conv3d import DepthwiseConv3D
from ssdet_keras.layers.inception_block3d import InceptionBlock3D
from ssdet_keras.layers.max_pooling3d import MaxPooling3D
from ssdet_keras.layers.pointwise_conv3d import PointwiseConv3D
from ssdet_keras.layers.temporal_subsampling import TemporalSubsampling
from ssdet_keras.models.two_stream_detector import TwoStreamDetector

# Each of their outputs is a sum over `kernel.size / channels` products.
_COUNTED = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    Conv3D,
    DepthwiseConv3D,
    PointwiseConv3D,
)


class Costs(NamedTuple):
    """What a part of a model costs for one clip.

    Attributes:
        name: Name of the part, such as `"stage1"`, or `"total"`.
        output_shape: Shape of its outputs, without the batch.
        parameters: Number of trainable weights.
        multiply_adds: Number of multiplications, each with its addition, in
            convolutions and dense layers. Those of batch norms, activations and
            poolings are not counted.
        activations: Number of outputs of convolutions and dense layers.
        receptive_field: Frames, height and width that one output sees along
            the convolutions. Squeeze-excite sees the whole clip besides.
    """

    name: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    activations: int
    receptive_field: tuple[int, int, int]


def count_costs(model, clip_shape):
    """Counts what a model costs for one clip, without running it.

    Layers are summed up by the part of their name before `_`: `stage1_block1`
    and `stage1_block2` are in `stage1`. In detectors of two streams, `fast` or
    `slow` is before it.

    Args:
        model: `X3DBackbone`, `I3DBackbone` or `ResNet3DBackbone`, or a
            `VideoClassifier`, `FrameDetector` or `TwoStreamDetector` of such.
            Its weights do not matter.
        clip_shape: Four integers `(frames, height, width, 3)`.

    Returns:
        List of `Costs`: one for each part of the model that has weights, in
        their order, then the total.

    Raises:
        ValueError: If the backbone of the model can't be built for another
            clip, if a size is unknown, or if the model has a layer of unknown
            costs.

    Example:

    ```python
    classifier = models.VideoClassifier(models.X3DBackbone("m"), 400)
    *_, total = models.count_costs(classifier, (16, 224, 224, 3))
    total.parameters  # 3794274
    ```

    Reference:
        Multiply-adds as in
        [Feichtenhofer, 2020](https://arxiv.org/abs/2004.04730); activations as
        in [Radosavovic et al., 2020](https://arxiv.org/abs/2003.13678), with
        dense layers.
    """
    model = _rebuild(model, clip_shape)
    streams = {"": model}
    if isinstance(model, TwoStreamDetector):
        streams = {"fast ": model.fast_stream, "slow ": model.slow_stream}
    parts = {}
    for prefix, stream in streams.items():
        _count_parts(prefix, stream, clip_shape[0], parts)
    parts = [part for part in parts.values() if part.parameters]
    sums = (sum(part[i] for part in parts) for i in (2, 3, 4))
    field = tuple(
        map(max, zip(*(x.receptive_field for x in parts), strict=True))
    )
    return [*parts, Costs("total", model.output_shape[1:], *sums, field)]


def _count_parts(prefix, model, frames, parts):
    """Adds the costs of a model to a dict of name to `Costs`."""
    field, step = (1, 1, 1), (1, 1, 1)
    for layer in _flatten(model):
        for leaf in _longest_path(layer):
            field, step = _grow(field, step, leaf)
        name = prefix + layer.name.partition("_")[0]
        if layer.name == "fast_head":
            name = "fast head"
        # Of several outputs, the first one.
        output_shape = keras.tree.flatten(layer.output)[0].shape[1:]
        if isinstance(layer, MaxPooling3D) and name in parts:
            parts[name] = parts[name]._replace(
                output_shape=output_shape, receptive_field=field
            )
        if not layer.weights:
            continue
        before = parts[name][2:5] if name in parts else (0, 0, 0)
        parameters, multiply_adds, activations = before
        parameters += layer.count_params() - _non_trainable(layer)
        for leaf in _leaves(layer):
            outputs, products = _count(leaf, frames)
            activations += outputs
            multiply_adds += outputs * products
        counts = (parameters, multiply_adds, activations)
        parts[name] = Costs(name, output_shape, *counts, field)


def _rebuild(model, clip_shape):
    """Returns the model built, with new weights, for clips of one shape."""
    config = model.get_config()
    backbones = [
        value["config"]
        for value in ({"config": config}, *config.values())
        if isinstance(value, dict) and "input_shape" in value.get("config", ())
    ]
    if not backbones:
        raise ValueError(
            "`model` must be a backbone of this package or have one. "
            f"Received: model={model!r}"
        )
    for backbone in backbones:
        backbone["input_shape"] = tuple(clip_shape)
    if isinstance(config.get("head"), dict):
        # It would build the head for the old shape.
        config["head"].pop("build_config", None)
    model = type(model).from_config(config)
    model.trainable = True
    return model


def _flatten(model):
    """Yields the layers of a model and of the models in it, in their order."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _flatten(_build_as_called(layer))
        else:
            yield layer


def _build_as_called(model):
    """Returns a model in another, built for the shape of its inputs there."""
    inputs = model._inbound_nodes[-1].input_tensors
    if len(inputs) > 1 or inputs[0].shape == model.input_shape:
        return model
    return keras.models.clone_model(
        model, input_tensors=keras.Input(inputs[0].shape[1:])
    )


def _leaves(layer):
    """Returns the layers in a layer that hold no others, or the layer."""
    layers = layer._flatten_layers()
    return [x for x in layers if not x._flatten_layers(include_self=False)]


def _longest_path(layer):
    """Returns the leaves that one output sees the most of the clip along."""
    if isinstance(layer, InceptionBlock3D):
        # Each branch but the first has one window of 3x3x3.
        return _leaves(layer.branch1)
    return _leaves(layer)


def _non_trainable(layer):
    return sum(math.prod(x.shape) for x in layer.non_trainable_weights)


def _count(leaf, frames):
    """Returns the number of outputs, and of the products summed in each."""
    if not isinstance(leaf, _COUNTED):
        if any(len(weight.shape) > 1 for weight in leaf.weights):
            raise ValueError(
                "The costs of a layer are unknown. Received: "
                f"{leaf.path}, a {type(leaf).__name__}"
            )
        return 0, 0
    input_shape = list(leaf.get_build_config()["input_shape"])
    if len(input_shape) == 5 and input_shape[1] is None:
        # Features of the other stream: those of the clip.
        input_shape[1] = frames
    output_shape = leaf.compute_output_shape(input_shape)
    # The batch is unknown, except where frames are a batch of images.
    if None in output_shape[1:]:
        raise ValueError(
            "All sizes of the clip must be known. Received: "
            f"{leaf.path} with outputs of shape {output_shape}"
        )
    outputs = math.prod(output_shape[1:]) * (output_shape[0] or 1)
    return outputs, math.prod(leaf.kernel.shape) // output_shape[-1]


def _grow(field, step, leaf):
    """Returns the receptive field, and the step to the next, after a layer."""
    if isinstance(leaf, TemporalSubsampling):
        return field, (step[0] * leaf.ratio, *step[1:])
    size = getattr(leaf, "kernel_size", getattr(leaf, "pool_size", None))
    if size is None:
        return field, step
    dilation = getattr(leaf, "dilation_rate", (1,) * len(size))
    # Images have no frames to convolve over, sequences have frames alone.
    fill = {1: lambda x: (*x, 1, 1), 2: lambda x: (1, *x), 3: tuple}[len(size)]
    field = tuple(
        f + (n - 1) * d * s
        for f, n, d, s in zip(
            field, fill(size), fill(dilation), step, strict=True
        )
    )
    return field, tuple(
        s * stride for s, stride in zip(step, fill(leaf.strides), strict=True)
    )
