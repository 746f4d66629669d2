"""Batch normalisation by the statistics of all devices."""

from ssdet_keras.layers import FusedBatchNormalization


def synchronize_normalization(model):
    """Makes batch normalisation use the statistics of the whole batch.

    Otherwise each copy of the model normalises by those of its own share of the
    batch. JAX uses those of the whole batch in any case.

    Args:
        model: Keras model, whose layers are changed. It is saved with the
            change, which does nothing in a process that trains alone.
    """
    for layer in model._flatten_layers():
        if isinstance(layer, FusedBatchNormalization):
            layer.synchronized = True
