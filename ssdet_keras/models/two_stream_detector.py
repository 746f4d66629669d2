"""What detectors of two streams have in common."""

import keras

from ssdet_keras.models.split_stages import split_stages
from ssdet_keras.models.video_classifier import check_backbone
from ssdet_keras.models.video_detector import VideoDetector


class TwoStreamDetector(VideoDetector):
    """Base class of detectors whose second stream sees features of the first.

        videos -+- fast_stream -- features of all stages
                |                    |
                +--------------- slow_stream -- logits
                                 (B, T, classes)

    Both streams see the same frames. They can also be trained one after the
    other: the first on its own, as the backbone of a `FrameDetector`, and the
    second, `slow_stream`, on features of the first that were extracted once.
    The weights of `slow_stream` are those of the detector, which is what is
    saved and used then.

    Subclasses make `slow_stream` of what `stream_inputs` returns.

    Args:
        slow: `keras.Model`. Backbone of `slow_stream`.
        fast: `keras.Model`. Backbone of `fast_stream`.
        slow_stream: `keras.Model` from a dict of tensors to float32 logits of
            shape `(batch, frames, num_classes)`. Its inputs are
            `"videos"`, shape `(batch, frames, height, width, 3)`; features of
            the other stream by their names in `fast_stream`, shape `(batch,
            steps, ...)`, where a step is a frame, in videos that may begin
            before and end after the clip; `"feature_mask"`, shape `(batch,
            steps)`, 1 at valid steps; and `"feature_start"`, float32, shape
            `(batch,)`, the step of the first frame of the clip.
        fast_stream: `keras.Model`, a `feature_pyramid` of the other stream.
        head: Layer of `slow_stream` that gives the logits.
        num_classes: Positive integer.
        **kwargs: Keyword arguments of `keras.Model`: `name`, `trainable`.

    Attributes:
        slow: As given.
        fast: As given.
        slow_stream: As given.
        fast_stream: As given.
        head: As given.
        num_classes: As given.
    """

    def __init__(
        self, slow, fast, slow_stream, fast_stream, head, num_classes, **kwargs
    ):
        videos = keras.Input(fast.input_shape[1:], name="videos")
        features = fast_stream(videos)
        mask, start = _WholeClip(dtype="float32", name="whole_clip")(videos)
        inputs = {
            **features,
            "videos": videos,
            "feature_mask": mask,
            "feature_start": start,
        }
        outputs = slow_stream({k: inputs[k] for k in slow_stream.input})
        super().__init__(inputs=videos, outputs=outputs, **kwargs)
        self.slow = slow
        self.fast = fast
        self.slow_stream = slow_stream
        self.fast_stream = fast_stream
        self.head = head
        self.num_classes = num_classes
        # `trainable` was set for all layers, also those of a frozen backbone.
        for backbone in (slow, fast):
            is_trainable = backbone.trainable and self.trainable
            # With TensorFlow, nothing but a change reaches the layers.
            backbone.trainable = not is_trainable
            backbone.trainable = is_trainable

    @classmethod
    def from_config(cls, config, custom_objects=None):
        # The backbones are the only dicts.
        return cls(
            **{
                name: keras.saving.deserialize_keras_object(
                    value, custom_objects=custom_objects
                )
                if isinstance(value, dict)
                else value
                for name, value in config.items()
            }
        )


def stream_inputs(slow, fast_stream, names):
    """Returns the inputs of `slow_stream`.

    Args:
        slow: `keras.Model`. Backbone that sees the videos.
        fast_stream: `keras.Model`, a `feature_pyramid` of the other stream.
        names: Names of the features that are needed.

    Returns:
        Dict of symbolic tensors by their names.
    """
    inputs = {"videos": keras.Input(slow.input_shape[1:], name="videos")}
    for name in names:
        feature = fast_stream.output[name]
        inputs[name] = keras.Input(
            (None, *feature.shape[2:]), dtype=feature.dtype, name=name
        )
    inputs["feature_mask"] = keras.Input((None,), name="feature_mask")
    inputs["feature_start"] = keras.Input((), name="feature_start")
    return inputs


def check_streams(**backbones):
    """Raises a `ValueError` unless two backbones make a detector.

    Args:
        **backbones: The two backbones by the names of the arguments.
    """
    for backbone in backbones.values():
        check_backbone(backbone)
    (first, slow), (second, fast) = backbones.items()
    if slow is fast:
        raise ValueError(
            f"`{first}` and `{second}` must be two backbones. Received: the "
            "same one twice"
        )
    stages = [list(split_stages(x)) for x in (slow, fast)]
    if stages[0] != stages[1]:
        raise ValueError(
            f"`{first}` and `{second}` must have the same stages. Received: "
            f"{', '.join(stages[0])} and {', '.join(stages[1])}"
        )


class _WholeClip(keras.layers.Layer):
    """Mask and start of features that are those of the clip itself."""

    def call(self, videos):
        batch_size, frames = keras.ops.shape(videos)[:2]
        return (
            keras.ops.ones((batch_size, frames)),
            keras.ops.zeros((batch_size,)),
        )

    def compute_output_spec(self, videos):
        batch_size, frames = videos.shape[:2]
        return (
            keras.KerasTensor((batch_size, frames)),
            keras.KerasTensor((batch_size,)),
        )
