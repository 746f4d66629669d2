"""Mixing of the frames of clips in one pass over memory, per backend."""

import importlib

import numpy as np


def mix_frames(videos, plans, backend):
    """Shows what plans say, one after the other.

    Frames between two plans are made where the next plan shows them, so that
    no batch of them exists.

    Args:
        videos: Tensor of shape `(batch, frames, height, width, channels)`,
            uint8 or float.
        plans: List of `ssdet_keras.layers.frame_plan.FramePlan`.
        backend: Name of the backend of `videos`. Inside `tf.data` it is
            `"tensorflow"`, whatever the Keras backend.

    Returns:
        A new tensor of the shape and dtype of `videos`. Integers are rounded
        half to even, after every plan.
    """
    plans = [_of_videos(plan) for plan in plans]
    return _backend_module(backend).mix_frames(videos, plans)


def is_on_host(x, backend):
    """Returns whether the values of a tensor are known and in main memory."""
    return _backend_module(backend).is_on_host(x)


def _of_videos(plan):
    """Leaves away what does not change videos, as far as it is known."""
    move = plan.move
    if isinstance(move, np.ndarray) and not move.any():
        move = None
    return plan._replace(move=move, background=None)


def _backend_module(backend):
    return importlib.import_module(f"ssdet_keras.ops.frames.{backend}")
