"""Optimizers with learning rates of their own for parts of a detector."""

import keras


class _PartFactors:
    """Mixin of optimizers: scales the rates of all weights outside a head."""

    def __init__(self, *args, backbone_factor=1.0, fusion_factor=1.0, **kwargs):
        super().__init__(*args, **kwargs)
        for name, factor in (
            ("backbone_factor", backbone_factor),
            ("fusion_factor", fusion_factor),
        ):
            if factor < 0:
                raise ValueError(
                    f"`{name}` must not be negative. Received: {name}={factor}"
                )
        self.backbone_factor = float(backbone_factor)
        self.fusion_factor = float(fusion_factor)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        groups = {}
        for grad, variable in zip(grads, trainable_variables, strict=True):
            pairs = groups.setdefault(self._factor(variable.path), [])
            pairs.append((grad, variable))
        for factor, pairs in groups.items():
            super()._backend_update_step(
                *map(list, zip(*pairs, strict=True)), learning_rate * factor
            )

    def _factor(self, path):
        layer = path.partition("/")[0]
        if layer in ("head", "fast_head"):
            return 1.0
        if layer.startswith("fusion"):
            return self.fusion_factor
        return self.backbone_factor

    def get_config(self):
        return {
            **super().get_config(),
            "backbone_factor": self.backbone_factor,
            "fusion_factor": self.fusion_factor,
        }


# The types of instances, not the public classes: PyTorch has types of its own,
# which update all weights at once. Not initialised: their variables would start
# the backend, which an import must not.
_SGDType = type(keras.optimizers.SGD.__new__(keras.optimizers.SGD))
_AdamWType = type(keras.optimizers.AdamW.__new__(keras.optimizers.AdamW))


@keras.saving.register_keras_serializable(package="ssdet_keras")
class SGD(_PartFactors, _SGDType):
    """`keras.optimizers.SGD` with other rates for parts of a detector.

    Args:
        *args: Arguments of `keras.optimizers.SGD`.
        backbone_factor: Float. Factor on the learning rate of all weights
            outside the layers named `"head"` and `"fast_head"`. Defaults to
            `1.0`.
        fusion_factor: Float. Factor on that of the layers whose names begin
            with `"fusion"`, in its place. Defaults to `1.0`.
        **kwargs: Keyword arguments of `keras.optimizers.SGD`.
    """


@keras.saving.register_keras_serializable(package="ssdet_keras")
class AdamW(_PartFactors, _AdamWType):
    """`keras.optimizers.AdamW` with other rates for parts of a detector.

    Args:
        *args: Arguments of `keras.optimizers.AdamW`.
        backbone_factor: Float. Factor on the learning rate of all weights
            outside the layers named `"head"` and `"fast_head"`. Defaults to
            `1.0`.
        fusion_factor: Float. Factor on that of the layers whose names begin
            with `"fusion"`, in its place. Defaults to `1.0`.
        **kwargs: Keyword arguments of `keras.optimizers.AdamW`.
    """
