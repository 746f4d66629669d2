"""I3D."""

import keras

from ssdet_keras.layers.conv_norm3d import ConvNorm3D
from ssdet_keras.layers.inception_block3d import InceptionBlock3D
from ssdet_keras.layers.max_pooling3d import MaxPooling3D
from ssdet_keras.layers.pixel_normalization import PixelNormalization

# Pictures of flow have a third channel, which means nothing.
_CHANNELS = {"rgb": (3,), "flow": (2, 3)}
# Of the authors' batch norms, and of their port to PyTorch.
_NORM = {"momentum": 0.99, "epsilon": 1e-3}
# Pool size, strides and filters of the blocks.
_STAGES = {
    "stage2": (
        (1, 3, 3),
        (1, 2, 2),
        [(64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)],
    ),
    "stage3": (
        (3, 3, 3),
        (2, 2, 2),
        [
            (192, 96, 208, 16, 48, 64),
            (160, 112, 224, 24, 64, 64),
            (128, 128, 256, 24, 64, 64),
            (112, 144, 288, 32, 64, 64),
            (256, 160, 320, 32, 128, 128),
        ],
    ),
    "stage4": (
        (2, 2, 2),
        (2, 2, 2),
        [(256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)],
    ),
}


@keras.saving.register_keras_serializable(package="ssdet_keras")
class I3DBackbone(keras.Model):
    """I3D without its head: Inception-v1, inflated over time.

    The shapes are those of a clip of 64 frames of 224 x 224 pixels:

        videos      64 x 224 x 224 x 3     uint8 or float pixels
        normalize
        stem        32 x 112 x 112 x 64    7x7x7 stride 2: Conv3d_1a_7x7
        stage1      32 x  56 x  56 x 192   max pool, Conv3d_2b, Conv3d_2c
        stage2      32 x  28 x  28 x 480   max pool, Mixed_3b, Mixed_3c
        stage3      16 x  14 x  14 x 832   max pool, Mixed_4b to Mixed_4f
        stage4       8 x   7 x   7 x 1024  max pool, Mixed_5b, Mixed_5c

    All convolutions and poolings pad as TensorFlow's `SAME` does, under every
    backend, also where sizes are odd. `FrameDetector` interpolates the scores
    of every eighth frame to all frames. The published classifier takes means of
    pairs of neighbouring steps before its last layer, which does not change
    the mean over a clip but for its ends.

    A two-stream I3D is a model of `modality="rgb"` and another one of
    `modality="flow"`, whose logits are averaged.

    Args:
        modality: `"rgb"`, or `"flow"` for videos of two channels: the
            horizontal and the vertical optical flow. Defaults to `"rgb"`.
        normalize: Statistics of the pixels: `"i3d"`, which maps `[0, 255]` to
            `[-1, 1]`, for RGB also `"kinetics"`, `"charades"`,
            `"pytorchvideo"` or `"imagenet"`, or `None` to use the inputs as
            they are. Defaults to `"i3d"`.
        input_shape: Shape of one video. Each size but the channels may be
            `None`, unknown. Defaults to `(None, None, None, 3)`, with two
            channels for `"flow"`. With three, it takes the videos of
            `ssdet_keras.data.extract_flow()`, whose third is left out.
        dtype: Dtype policy of the layers. Defaults to the global policy.
        **kwargs: Keyword arguments of `keras.Model`: `name`, `trainable`.

    Call arguments:
        inputs: Tensor of shape `(batch, frames, height, width, 3)`, uint8 or
            float, RGB pixels in `[0, 255]`; of flow, two channels, of which
            0 to 255 is -20 to 20 pixels.

    Returns:
        Tensor of shape `(batch, ceil(frames / 8), ceil(height / 32),
        ceil(width / 32), 1024)`.

    Attributes:
        pyramid_outputs: Dict of the symbolic outputs of `"stem"`, `"stage1"`,
            ..., `"stage4"`, at spatial strides 2, 4, 8, 16 and 32 and temporal
            strides 2, 2, 2, 4 and 8.
        receptive_field: Frames that the features of a step depend on: 99.

    Raises:
        ValueError: If an argument is unknown or out of range.

    Example:

    ```python
    backbone = ssdet_keras.models.I3DBackbone()
    backbone(np.zeros((1, 64, 224, 224, 3), "uint8")).shape  # 1, 8, 7, 7, 1024

    flow = ssdet_keras.models.I3DBackbone("flow")
    flow(np.zeros((1, 64, 224, 224, 2), "uint8")).shape  # 1, 8, 7, 7, 1024
    ```

    Reference:
        [Carreira and Zisserman, 2017](https://arxiv.org/abs/1705.07750),
        Figure 3.
    """

    def __init__(
        self,
        modality="rgb",
        normalize="i3d",
        input_shape=None,
        dtype=None,
        **kwargs,
    ):
        if modality not in _CHANNELS:
            raise ValueError(
                f"`modality` must be one of {list(_CHANNELS)}. "
                f"Received: modality={modality!r}"
            )
        channels = _CHANNELS[modality]
        if input_shape is None:
            input_shape = (None, None, None, channels[0])
        if len(input_shape) != 4 or input_shape[-1] not in channels:
            numbers = " or ".join(map(str, channels))
            raise ValueError(
                f"`input_shape` must be (frames, height, width, {numbers}) "
                f"for {modality!r}. Received: input_shape={tuple(input_shape)}"
            )
        if modality == "flow" and normalize not in ("i3d", None):
            raise ValueError(
                "`normalize` of flow must be 'i3d' or None. "
                f"Received: normalize={normalize!r}"
            )
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())

        inputs = keras.Input(input_shape, dtype="float32", name="videos")
        x = inputs
        if input_shape[-1] > channels[0]:
            x = x[..., : channels[0]]
        if normalize is not None:
            x = PixelNormalization(normalize, dtype=dtype, name="normalize")(x)

        def convolve(x, filters, kernel_size, strides, name):
            return ConvNorm3D(
                filters,
                kernel_size,
                strides,
                padding="tensorflow",
                dtype=dtype,
                name=name,
                **_NORM,
            )(x)

        def pool(x, pool_size, strides, stage):
            return MaxPooling3D(
                pool_size,
                strides,
                padding="tensorflow",
                dtype=dtype,
                name=f"{stage}_pool",
            )(x)

        x = convolve(x, 64, 7, 2, "stem")
        pyramid_outputs = {"stem": x}
        x = pool(x, (1, 3, 3), (1, 2, 2), "stage1")
        x = convolve(x, 64, 1, 1, "stage1_conv1")
        x = convolve(x, 192, 3, 1, "stage1_conv2")
        pyramid_outputs["stage1"] = x
        for stage, (pool_size, strides, blocks) in _STAGES.items():
            x = pool(x, pool_size, strides, stage)
            for number, filters in enumerate(blocks, start=1):
                name = f"{stage}_block{number}"
                x = InceptionBlock3D(filters, dtype=dtype, name=name)(x)
            pyramid_outputs[stage] = x
        super().__init__(inputs=inputs, outputs=x, **kwargs)

        self.dtype_policy = dtype
        self.modality = modality
        self.normalize = normalize
        self._pyramid_outputs = pyramid_outputs
        self.receptive_field = 99

    @property
    def pyramid_outputs(self):
        # Keras tracks attributes in dicts that JAX does not take as outputs.
        return dict(self._pyramid_outputs)

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "modality": self.modality,
            "normalize": self.normalize,
            "input_shape": self.input_shape[1:],
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)
