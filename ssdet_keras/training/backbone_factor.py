"""Optimizers with a learning rate of their own for the backbone."""

import keras


class _BackboneFactor:
    """Mixin of optimizers: scales the rate of all weights outside the head."""

    def __init__(self, *args, backbone_factor=1.0, **kwargs):
        super().__init__(*args, **kwargs)
        if backbone_factor < 0:
            raise ValueError(
                "`backbone_factor` must not be negative. "
                f"Received: backbone_factor={backbone_factor}"
            )
        self.backbone_factor = float(backbone_factor)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        groups = {1.0: [], self.backbone_factor: []}
        for grad, variable in zip(grads, trainable_variables, strict=True):
            is_head = variable.path.startswith("head/")
            factor = 1.0 if is_head else self.backbone_factor
            groups[factor].append((grad, variable))
        for factor, pairs in groups.items():
            if pairs:
                super()._backend_update_step(
                    *map(list, zip(*pairs, strict=True)), learning_rate * factor
                )

    def get_config(self):
        return {
            **super().get_config(),
            "backbone_factor": self.backbone_factor,
        }


# The types of instances, not the public classes: PyTorch has types of its own,
# which update all weights at once. Not initialised: their variables would start
# the backend, which an import must not.
_SGDType = type(keras.optimizers.SGD.__new__(keras.optimizers.SGD))
_AdamWType = type(keras.optimizers.AdamW.__new__(keras.optimizers.AdamW))


@keras.saving.register_keras_serializable(package="ssdet_keras")
class SGD(_BackboneFactor, _SGDType):
    """`keras.optimizers.SGD` with a learning rate factor for the backbone.

    Args:
        *args: Arguments of `keras.optimizers.SGD`.
        backbone_factor: Float. Factor on the learning rate of all weights
            outside the layer named `"head"`. Defaults to `1.0`.
        **kwargs: Keyword arguments of `keras.optimizers.SGD`.
    """


@keras.saving.register_keras_serializable(package="ssdet_keras")
class AdamW(_BackboneFactor, _AdamWType):
    """`keras.optimizers.AdamW` with a learning rate factor for the backbone.

    Args:
        *args: Arguments of `keras.optimizers.AdamW`.
        backbone_factor: Float. Factor on the learning rate of all weights
            outside the layer named `"head"`. Defaults to `1.0`.
        **kwargs: Keyword arguments of `keras.optimizers.AdamW`.
    """
