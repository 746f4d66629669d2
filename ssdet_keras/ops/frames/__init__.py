"""Mixing of the frames of clips in one pass over memory, per backend."""

import importlib


def mix_frames(videos, plan, backend):
    """Shows what a plan says.

    Args:
        videos: Tensor of shape `(batch, frames, height, width, channels)`,
            uint8 or float.
        plan: `ssdet_keras.layers.frame_plan.FramePlan`.
        backend: Name of the backend of the tensors. Inside `tf.data` it is
            `"tensorflow"`, whatever the Keras backend.

    Returns:
        A new tensor of the shape and dtype of `videos`. Integers are rounded
        half to even.
    """
    module = importlib.import_module(f"ssdet_keras.ops.frames.{backend}")
    return module.mix_frames(
        videos,
        plan.clip_1,
        plan.frame_1,
        plan.clip_2,
        plan.frame_2,
        plan.weight,
        plan.move,
    )
