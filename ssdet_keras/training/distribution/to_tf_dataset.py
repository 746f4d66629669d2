"""Batches for TensorFlow."""

import itertools

import keras
import tensorflow as tf


def to_tf_dataset(batches):
    """Returns an endless dataset of `ClipBatches`.

    The second axis of batches of a source that varies in length is unknown.
    Keras would fix what its first two batches have in common, and fail at the
    first one of another length:
    https://github.com/keras-team/keras/issues/19748
    """
    # Of batches and, where it varies, of steps.
    num_unknown = 2 if batches.source.varies_in_length else 1
    signature = keras.tree.map_structure(
        lambda array: tf.TensorSpec(
            (*[None] * num_unknown, *array.shape[num_unknown:]), array.dtype
        ),
        batches[0],
    )
    return tf.data.Dataset.from_generator(
        lambda: map(batches.__getitem__, itertools.count()),
        output_signature=signature,
    )
