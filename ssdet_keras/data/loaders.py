"""Loaders of the items of a `VideoSource`, for each framework.

All of them give the same batches: dicts of stacked items, in order.
"""

import contextlib

import keras
import numpy as np


def stack_clips(clips):
    """Returns the batch of a list of clips: a dict of stacked arrays.

    Zeros follow where an array is shorter than the longest one.
    """
    return {key: _stack([clip[key] for clip in clips]) for key in clips[0]}


def _stack(arrays):
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) == 1:
        return np.stack(arrays)
    shape = (max(shape[0] for shape in shapes), *shapes[0][1:])
    batch = np.zeros((len(arrays), *shape), arrays[0].dtype)
    for row, array in zip(batch, arrays, strict=True):
        row[: len(array)] = array
    return batch


def check_batches(source, batch_size, drop_remainder, workers=0):
    """Raises an error if there would be no batches."""
    if workers < 0:
        raise ValueError(
            f"`workers` must not be negative. Received: workers={workers}"
        )
    if batch_size < 1:
        raise ValueError(
            f"`batch_size` must be positive. Received: batch_size={batch_size}"
        )
    if drop_remainder and batch_size > len(source):
        raise ValueError(
            "`batch_size` must not be larger than the number of clips, "
            f"{len(source)}. Received: batch_size={batch_size}"
        )


def to_tf_dataset(source, batch_size, drop_remainder, workers):
    """Returns a `tf.data.Dataset`. See `ClipSource.to_tf_dataset`."""
    check_batches(source, batch_size, drop_remainder, workers)
    tf = _import_tensorflow()
    shapes = source.item_shapes
    dtypes = [tf.as_dtype(dtype) for _, dtype in shapes.values()]

    def starts():
        yield np.array([source.epoch, source.first_index])

    def to_indices(start):
        epoch, first_index = tf.unstack(start)
        return tf.data.Dataset.range(first_index, len(source)).map(
            lambda index: tf.stack([epoch, index])
        )

    def draw(epoch_and_index):
        clip = source.get_clip(*map(int, epoch_and_index))
        return [clip[key] for key in shapes]

    def to_clip(epoch_and_index):
        values = tf.numpy_function(draw, [epoch_and_index], dtypes)
        return {
            key: tf.ensure_shape(value, shape)
            for value, (key, (shape, _)) in zip(
                values, shapes.items(), strict=True
            )
        }

    # Python is called once per iteration for the epoch, and once per clip.
    dataset = tf.data.Dataset.from_generator(
        starts, output_signature=tf.TensorSpec((2,), "int64")
    ).flat_map(to_indices)
    # A clip depends on its epoch and index alone, so that reading in parallel
    # changes nothing but the time. As clips stay in order, one that takes long
    # holds up as many as there are calls: more than threads.
    num_ahead = batch_size + workers
    parallel = {"num_parallel_calls": num_ahead, "deterministic": True}
    # Reading holds its thread. Those of TensorFlow are as many as the cores,
    # and serve everything else.
    options = tf.data.Options()
    options.threading.private_threadpool_size = max(workers, 1)
    return (
        dataset.map(to_clip, **(parallel if workers else {}))
        .padded_batch(batch_size, drop_remainder=drop_remainder)
        .prefetch(1)
        .with_options(options)
    )


def to_torch_loader(source, batch_size, drop_remainder, **kwargs):
    """Returns a torch `DataLoader`. See `ClipSource.to_torch_loader`."""
    check_batches(source, batch_size, drop_remainder)
    from ssdet_keras.data.torch_loader import ClipLoader

    return ClipLoader(
        source, batch_size=batch_size, drop_last=drop_remainder, **kwargs
    )


def to_grain(source, batch_size, drop_remainder, workers):
    """Returns a `grain.IterDataset`. See `ClipSource.to_grain`."""
    check_batches(source, batch_size, drop_remainder, workers)
    from ssdet_keras.data.grain_dataset import ClipDataset

    return ClipDataset(source, batch_size, drop_remainder, workers)


def _import_tensorflow():
    import tensorflow as tf

    if keras.config.backend() != "tensorflow":
        # TensorFlow would take the memory that the active backend needs.
        # Where it already runs, it is too late, and no concern of ours.
        with contextlib.suppress(RuntimeError):
            tf.config.set_visible_devices([], "GPU")
    return tf
