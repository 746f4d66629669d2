"""Heads by name."""

from ssdet_keras.models.linear_head import LinearHead
from ssdet_keras.models.mstct_head import MSTCTHead
from ssdet_keras.models.pdan_head import PDANHead
from ssdet_keras.models.super_event_head import SuperEventHead
from ssdet_keras.models.tgm_head import TGMHead

_HEADS = {
    "linear": (LinearHead, {}),
    "super_event": (SuperEventHead, {}),
    "tgm": (TGMHead, {}),
    "tgm_super_event": (TGMHead, {"super_events": True}),
    "pdan": (PDANHead, {}),
    "mstct": (MSTCTHead, {}),
}


def make_head(
    name,
    num_classes,
    backbone=None,
    dropout=None,
    layer_name="head",
    **kwargs,
):
    """Returns a head with its published sizes, for the features of a backbone.

    Args:
        name: `"linear"`, `"super_event"`, `"tgm"`, `"tgm_super_event"`,
            `"pdan"` or `"mstct"`.
        num_classes: Positive integer.
        backbone: `keras.Model` or `None`. A linear head has its
            `hidden_units`, where it has this attribute. All have its dtype
            policy.
        dropout: Float in `[0, 1)`, or `None` for the rate of the head's own.
        layer_name: String. Name of the layer.
        **kwargs: Further arguments of the head, in place of the published ones,
            such as `num_blocks`.

    Returns:
        Keras layer.

    Raises:
        ValueError: If the name is unknown.
    """
    if not isinstance(name, str) or name not in _HEADS:
        raise ValueError(
            f"`head` must be a `keras.layers.Layer` or one of {list(_HEADS)}. "
            f"Received: head={name!r}"
        )
    head_class, published = _HEADS[name]
    if name == "linear":
        published = {"hidden_units": getattr(backbone, "hidden_units", None)}
    kwargs = {**published, **kwargs}
    if dropout is not None:
        kwargs["dropout"] = dropout
    dtype = getattr(backbone, "dtype_policy", None)
    return head_class(num_classes, dtype=dtype, name=layer_name, **kwargs)
