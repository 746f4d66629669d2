"""Loading public checkpoints."""

import pathlib
import warnings
from typing import NamedTuple

import keras
import numpy as np
from absl import logging

from ssdet_keras.models.layouts.checkpoint_layout import CheckpointLayout
from ssdet_keras.models.linear_head import LinearHead
from ssdet_keras.models.read_checkpoint import check_file
from ssdet_keras.models.read_checkpoint import read_checkpoint
from ssdet_keras.models.two_stream_detector import TwoStreamDetector

_MAX_SHOWN = 20
# Of `torch.nn.BatchNorm3d`, in all public code.
_EPSILON = 1e-5


class LoadedCheckpoint(NamedTuple):
    """What `load_checkpoint` did.

    Attributes:
        layout: Name of the layout of the file.
        loaded: List of the paths of the weights that were set.
        initialized: List of the paths of the weights of the output layer that
            were initialized anew.
        missing: List of the paths of the weights that the file lacks.
        left_over: List of the tensors of the file that the model lacks.
        misshapen: List of `"name shape -> path shape"`, of tensors that have
            another shape than the weight.
    """

    layout: str
    loaded: list[str]
    initialized: list[str]
    missing: list[str]
    left_over: list[str]
    misshapen: list[str]


def load_checkpoint(model, path, strict=True, reinitialize_output=False):
    """Loads a public checkpoint into a model, under any backend.

    It reads the PyTorch files of PyTorchVideo, PySlowFast, X3D-Multigrid (also
    those of SSDet) and Coarse-Fine Networks, those of the authors of the heads
    into a head that is built, and `.keras` files of this package. Weights of a
    classifier fit a detector, and the other way round. A backbone alone takes
    the backbone of the file. PyTorch must be installed to read its files,
    whichever backend computes.

    PyTorch files have one stream of a detector of two: load them into its
    `slow_stream` and `fast_stream`, or a backbone of either.

    PySlowFast and X3D-Multigrid normalise the shortcut of the very first block,
    PyTorchVideo and this package do not. The statistics of that norm are folded
    into the block:

        BN(W x) + BN_c(...)  =  (scale W) x + (BN_c(...) + shift)

    This is exact in inference. In training, the shortcut has no norm any more.

    Args:
        model: `VideoClassifier`, `FrameDetector`, a detector of two streams or
            one of these, or a backbone or a head alone.
        path: String or path-like. The file.
        strict: Boolean. Whether everything must fit. Otherwise what fits is
            loaded, and the rest is told by the result. Defaults to `True`.
        reinitialize_output: Boolean. Whether the output layer of the head is
            initialized anew in place of being loaded, as for other classes
            than those of the file. Defaults to `False`.

    Returns:
        `LoadedCheckpoint`, a named tuple of the name of the layout and lists of
        names: `loaded`, `initialized`, `missing`, `left_over`, `misshapen`.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If PyTorch is needed and not installed.
        ValueError: If the file is in no known layout, if it asks for other
            Python objects than tensors, or if it does not fit the model and
            `strict` is set. Nothing is loaded then.

    Warns:
        UserWarning: If the backbone normalises pixels in another way than the
            checkpoint was trained with, where this is known.

    Example:

    ```python
    backbone = ssdet_keras.models.X3DBackbone("m", normalize="pytorchvideo")
    detector = ssdet_keras.models.FrameDetector(backbone, num_classes=157)
    ssdet_keras.models.load_checkpoint(
        detector, "x3d_m.pyth", reinitialize_output=True
    )

    load_checkpoint = ssdet_keras.models.load_checkpoint
    load_checkpoint(coarse_fine_detector.slow_stream, "coarse.pt")
    load_checkpoint(coarse_fine_detector.fast_stream, "fine.pt")
    ```
    """
    path = pathlib.Path(path)
    head = getattr(model, "head", None)
    if not isinstance(model, keras.Layer):
        raise ValueError(
            "`model` must be a classifier, a detector, a backbone or a head. "
            f"Received: model={model!r}"
        )
    if isinstance(model, TwoStreamDetector) and path.suffix != ".keras":
        raise ValueError(
            "`model` must be one stream, `slow_stream` or `fast_stream`, of a "
            f"detector of two. Received: model={model!r}, path={path}"
        )
    if reinitialize_output and not isinstance(head, LinearHead):
        raise ValueError(
            "`reinitialize_output` needs a model whose head is a `LinearHead`. "
            f"Received: model={model!r}"
        )
    weights = _weights_by_path(model)
    if path.suffix == ".keras":
        source = _read_keras(path)
    else:
        source = _read_pytorch(path, weights)

    layout_name = source.layout.name if source.layout else "Keras"
    values, result = {}, LoadedCheckpoint(layout_name, [], [], [], [], [])
    for name, weight in weights.items():
        shape = tuple(weight.shape)
        if reinitialize_output and name.startswith("head/output/"):
            result.initialized.append(name)
        elif name not in source.tensors:
            result.missing.append(name)
        else:
            tensor = value = source.tensors[name]
            if source.layout is not None:
                value = _to_keras(tensor, name, shape, source.layout)
            if value is not None and value.shape == shape:
                values[name] = value
                result.loaded.append(name)
            else:
                result.misshapen.append(
                    f"{source.names[name]} {tensor.shape} -> {name} {shape}"
                )
    surplus = [name for name in source.tensors if name not in weights]
    result.left_over.extend(source.names[name] for name in surplus)
    result.left_over.extend(source.unknown)
    if strict:
        if head is None:
            surplus = [x for x in surplus if not x.startswith("head/")]
        unexpected = [source.names[name] for name in surplus] + source.unknown
        _check_fit(path, result, unexpected)
    backbone = getattr(model, "backbone", model)
    normalize = getattr(backbone, "normalize", None)
    _check_pixels(source.pixel_statistics, normalize)

    for name, value in values.items():
        weights[name].assign(value)
    logging.info("Loaded %d weights of %s (%s)", len(values), path, layout_name)
    if reinitialize_output:
        for weight, initializer in (
            (head.output_layer.kernel, head.output_layer.kernel_initializer),
            (head.output_layer.bias, head.output_layer.bias_initializer),
        ):
            weight.assign(initializer(weight.shape))
        logging.info("Initialized anew: %s", ", ".join(result.initialized))
    return result


class _Source(NamedTuple):
    """Contents of a file: tensors, and their names there, by weight path."""

    layout: CheckpointLayout | None
    pixel_statistics: str | None
    tensors: dict[str, np.ndarray]
    names: dict[str, str]
    unknown: list[str]


def _weights_by_path(model):
    """Returns a dict of path to weight of the backbone and the head.

    The two streams of a detector have weights of the same paths: those of the
    fast one begin with `"fast_stream/"` then.
    """
    if isinstance(model, TwoStreamDetector):
        fast = _weights_by_path(model.fast_stream)
        return {
            **_weights_by_path(model.slow_stream),
            **{f"fast_stream/{path}": fast[path] for path in fast},
        }
    weights = {}
    for layer, prefix in (
        (getattr(model, "backbone", model), ""),
        (getattr(model, "head", None), "head/"),
    ):
        for weight in getattr(layer, "weights", []):
            path = weight.path.removeprefix(f"{layer.name}/")
            weights[f"{prefix}{path}"] = weight
    return weights


def _read_keras(path):
    check_file(path)
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:
        # Damaged files raise errors of many types.
        reason = str(error).splitlines() or [type(error).__name__]
        raise ValueError(
            "`path` must be a model that this package saved. "
            f"Received: path={path}, which can't be read: {reason[0]}"
        ) from error
    backbone = getattr(model, "backbone", model)
    weights = _weights_by_path(model)
    return _Source(
        layout=None,
        pixel_statistics=getattr(backbone, "normalize", None),
        tensors={
            name: keras.ops.convert_to_numpy(weight)
            for name, weight in weights.items()
        },
        names={name: name for name in weights},
        unknown=[],
    )


def _read_pytorch(path, weights):
    checkpoint = read_checkpoint(path)
    return _Source(
        layout=checkpoint.layout,
        pixel_statistics=checkpoint.layout.pixel_statistics,
        tensors=_fold_shortcut_norms(checkpoint.tensors, weights),
        names=checkpoint.names,
        unknown=checkpoint.unknown,
    )


def _fold_shortcut_norms(tensors, weights):
    """Folds norms of shortcuts that the model lacks into its other weights."""
    folded = dict(tensors)
    for name in tensors:
        block, found, _ = name.partition("/shortcut_norm/gamma")
        norm = [
            f"{block}/shortcut_norm/{weight}"
            for weight in ("gamma", "beta", "moving_mean", "moving_variance")
        ]
        kernel, beta = f"{block}/shortcut/kernel", f"{block}/project_norm/beta"
        needed = {*norm, kernel, beta}
        if not found or name in weights or not needed <= tensors.keys():
            continue
        gamma, shift, mean, variance = (
            folded.pop(part).astype("float64").ravel() for part in norm
        )
        scale = gamma / np.sqrt(variance + _EPSILON)
        # PyTorch's first axis is that of the outputs.
        scaled = (tensors[kernel].T * scale).T
        shifted = tensors[beta].ravel() + shift - mean * scale
        folded[kernel] = scaled.astype("float32")
        folded[beta] = shifted.astype("float32")
    return folded


def _to_keras(tensor, path, shape, layout):
    """Returns a PyTorch tensor as the weight of a path, `None` if misshapen."""
    axes = layout.axes(path, len(shape))
    pytorch_shape = [shape[axes.index(axis)] for axis in range(len(shape))]
    # Linear layers have no axes of size 1 where convolutions have some.
    expected, received = (
        [size for size in sizes if size > 1]
        for sizes in (pytorch_shape, tensor.shape)
    )
    if expected != received:
        return None
    return tensor.reshape(pytorch_shape).transpose(axes)


def _check_fit(path, result, unexpected):
    problems = {
        "missing in the file": result.missing,
        "left over in the file": unexpected,
        "of another shape than in the model": result.misshapen,
    }
    lines = []
    for problem, names in problems.items():
        if names:
            hidden = len(names) - _MAX_SHOWN
            shown = names[:_MAX_SHOWN] + [f"and {hidden} more"] * (hidden > 0)
            lines.append(f"{len(names)} {problem}: {', '.join(shown)}")
    if not lines:
        return
    advice = "`strict=False` loads what fits"
    only_misshapen = not result.missing and not unexpected
    if only_misshapen and all(
        "-> head/output/" in name for name in result.misshapen
    ):
        advice = "`reinitialize_output=True` starts with other classes"
    raise ValueError(
        "The tensors of the file must be those of `model`, which follow from "
        f"`variant`, `width`, `depth` and `num_classes`; {advice}. "
        f"Received: path={path} in the layout of {result.layout}, with\n"
        + "\n".join(lines)
    )


def _check_pixels(expected, normalize):
    if expected is not None and normalize not in (None, expected):
        warnings.warn(
            "The checkpoint expects pixels normalised as in "
            f"normalize={expected!r}, the backbone has "
            f"normalize={normalize!r}: its outputs will differ.",
            stacklevel=3,
        )
