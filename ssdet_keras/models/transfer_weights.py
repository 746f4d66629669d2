"""Carrying weights from one model to another."""

from typing import NamedTuple

import keras


class TransferredWeights(NamedTuple):
    """What `transfer_weights` did: lists of weight paths in the target."""

    copied: list[str]
    not_copied: list[str]


def transfer_weights(source, target):
    """Copies the backbone of `source`, and what fits of its head, to `target`.

    A pretrained classifier thus becomes the start of a detector:

        source.backbone -- all weights -------> target.backbone
        source.head     -- of equal shape ----> target.head

    With other classes the output layer of the target stays as it is. Its hidden
    layer is copied.

    Args:
        source: `VideoClassifier`, `FrameDetector`, or a backbone alone.
        target: The same. Its weights are overwritten.

    Returns:
        `TransferredWeights`, a named tuple of two lists of the paths of the
        weights of `target`: `copied` and `not_copied`.

    Raises:
        ValueError: If the backbones differ. Nothing is copied then.

    Example:

    ```python
    detector = ssdet_keras.models.FrameDetector(backbone, num_classes=157)
    copied, not_copied = ssdet_keras.models.transfer_weights(
        classifier, detector
    )
    ```
    """
    source_backbone = _weights(getattr(source, "backbone", source))
    target_backbone = _weights(getattr(target, "backbone", target))
    _check_backbones(source_backbone, target_backbone)
    source_head = _weights(getattr(source, "head", None))
    target_head = _weights(getattr(target, "head", None))

    copied, not_copied = [], []
    for name, weight in target_backbone.items():
        weight.assign(_copy(source_backbone[name]))
        copied.append(weight.path)
    for name, weight in target_head.items():
        if name in source_head and source_head[name].shape == weight.shape:
            weight.assign(_copy(source_head[name]))
            copied.append(weight.path)
        else:
            not_copied.append(weight.path)
    return TransferredWeights(copied, not_copied)


def _weights(layer):
    """Returns the weights of a model or layer by their path within it."""
    if layer is None:
        return {}
    prefix = f"{layer.name}/"
    return {w.path.removeprefix(prefix): w for w in layer.weights}


def _copy(weight):
    # JAX frees the arrays of a model that it trains, also where another model
    # shares them.
    return keras.ops.copy(keras.ops.convert_to_tensor(weight))


def _check_backbones(source, target):
    differences = []
    for name in sorted({*source, *target}):
        source_shape = tuple(source[name].shape) if name in source else None
        target_shape = tuple(target[name].shape) if name in target else None
        if source_shape != target_shape:
            differences.append(f"{name} {source_shape} -> {target_shape}")
    if differences:
        shown = "; ".join(differences[:3])
        raise ValueError(
            "`source` and `target` must have the same backbone. Received: "
            f"{len(differences)} weights that differ, first: {shown}"
        )
