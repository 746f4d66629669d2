"""Linear upsampling over time."""

import keras


@keras.saving.register_keras_serializable(package="ssdet_keras")
class TemporalUpsampling(keras.layers.Layer):
    """Interpolates a sequence linearly to the number of frames of a video.

    A step of the sequence is at the middle of the frames that it covers, and
    the ends are held:

        sequence         0       1
        frames         0   1   2   3
        outputs        0  .25 .75  1

    With aligned corners, the first step is at the first frame and the last step
    at the last frame:

        sequence       0           1
        frames         0   1   2   3
        outputs        0  1/3 2/3  1

    A sequence that has as many steps as the video has frames is unchanged.

    Args:
        align_corners: Boolean. Whether the first and the last step are at the
            first and the last frame. Defaults to `False`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Tensor of shape `(batch, steps, channels)`.
        videos: Tensor of shape `(batch, frames, ...)`. Only its number of
            frames is used.

    Returns:
        Tensor of shape `(batch, frames, channels)`.

    Example:

    ```python
    layer = ssdet_keras.layers.TemporalUpsampling()
    layer(np.ones((2, 4, 157)), np.ones((2, 16, 8, 8, 3))).shape  # 2, 16, 157
    ```
    """

    def __init__(self, align_corners=False, **kwargs):
        super().__init__(**kwargs)
        self.align_corners = bool(align_corners)

    def call(self, inputs, videos):
        steps = keras.ops.shape(inputs)[1]
        frames = keras.ops.shape(videos)[1]
        # In a TensorFlow graph either can be a tensor.
        if (
            isinstance(steps, int)
            and isinstance(frames, int)
            and steps == frames
        ):
            return inputs
        dtype = inputs.dtype
        last = keras.ops.cast(steps - 1, "float32")
        position = keras.ops.arange(frames, dtype="float32")
        if self.align_corners:
            last_frame = keras.ops.cast(frames - 1, "float32")
            position *= last / keras.ops.maximum(last_frame, 1.0)
        else:
            ratio = keras.ops.cast(steps, "float32") / keras.ops.cast(
                frames, "float32"
            )
            position = (position + 0.5) * ratio - 0.5
        position = keras.ops.clip(position, 0.0, last)
        before = keras.ops.floor(position)
        after = keras.ops.minimum(before + 1, last)
        weight = keras.ops.cast(position - before, dtype)[None, :, None]
        x_before = keras.ops.take(
            inputs, keras.ops.cast(before, "int32"), axis=1
        )
        x_after = keras.ops.take(inputs, keras.ops.cast(after, "int32"), axis=1)
        return x_before + weight * (x_after - x_before)

    def compute_output_shape(self, inputs_shape, videos_shape):
        return (inputs_shape[0], videos_shape[1], inputs_shape[2])

    def get_config(self):
        return {**super().get_config(), "align_corners": self.align_corners}
