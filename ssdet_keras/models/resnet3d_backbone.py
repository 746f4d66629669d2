"""3D ResNet."""

import keras

from ssdet_keras.layers.bottleneck_block3d import BottleneckBlock3D
from ssdet_keras.layers.conv_norm3d import ConvNorm3D
from ssdet_keras.layers.max_pooling3d import MaxPooling3D
from ssdet_keras.layers.pixel_normalization import PixelNormalization

# Blocks, and the size of their temporal kernels.
_STAGES = ((3, 1), (4, 1), (6, 3), (3, 3))
_INNER_FILTERS = 64
_EXPANSION = 4


@keras.saving.register_keras_serializable(package="ssdet_keras")
class ResNet3DBackbone(keras.Model):
    """3D ResNet-50 without its head: the Slow pathway of SlowFast.

    Time is never strided. The shapes are those of its own clip:

        videos       8 x 224 x 224 x 3     uint8 or float pixels
        normalize
        stem         8 x  56 x  56 x 64    1x7x7 stride 2, max pool 1x3x3
        stage1       8 x  56 x  56 x 256   3 blocks, 1x1x1 then 1x3x3
        stage2       8 x  28 x  28 x 512   4 blocks, 1x1x1 then 1x3x3
        stage3       8 x  14 x  14 x 1024  6 blocks, 3x1x1 then 1x3x3
        stage4       8 x   7 x   7 x 2048  3 blocks, 3x1x1 then 1x3x3

    Every block is an `ssdet_keras.layers.BottleneckBlock3D`. It was published
    for clips of 8 frames, 8 frames of the video apart.

    Args:
        normalize: Statistics of the pixels: `"pytorchvideo"`, `"kinetics"`,
            `"charades"`, `"imagenet"`, `"i3d"`, or `None` to use the inputs as
            they are. Defaults to `"pytorchvideo"`.
        input_shape: Shape of one video. Each size but the channels may be
            `None`, unknown. Defaults to `(None, None, None, 3)`.
        zero_init_residual: Boolean. Whether the blocks start as their
            shortcuts, as published. Defaults to `True`.
        dtype: Dtype policy of the layers. Defaults to the global policy.
        **kwargs: Keyword arguments of `keras.Model`: `name`, `trainable`.

    Call arguments:
        inputs: Tensor of shape `(batch, frames, height, width, 3)`, uint8 or
            float, RGB pixels in `[0, 255]`.

    Returns:
        Tensor of shape `(batch, frames, ceil(height / 32), ceil(width / 32),
        2048)`.

    Attributes:
        pyramid_outputs: Dict of the symbolic outputs of `"stem"`, `"stage1"`,
            ..., `"stage4"`, at spatial strides 4, 4, 8, 16 and 32.
        receptive_field: Frames that the features of a frame depend on: 19.

    Raises:
        ValueError: If an argument is unknown or out of range.

    Example:

    ```python
    backbone = ssdet_keras.models.ResNet3DBackbone()
    backbone(np.zeros((1, 8, 224, 224, 3), "uint8")).shape  # 1, 8, 7, 7, 2048
    ```

    Reference:
        [Feichtenhofer et al., 2019](https://arxiv.org/abs/1812.03982), the Slow
        pathway of Table 1; the weights are those of `slow_r50` of
        [PyTorchVideo](https://github.com/facebookresearch/pytorchvideo).
    """

    def __init__(
        self,
        normalize="pytorchvideo",
        input_shape=(None, None, None, 3),
        zero_init_residual=True,
        dtype=None,
        **kwargs,
    ):
        if len(input_shape) != 4 or input_shape[-1] != 3:
            raise ValueError(
                "`input_shape` must be (frames, height, width, 3). "
                f"Received: input_shape={tuple(input_shape)}"
            )
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())

        inputs = keras.Input(input_shape, dtype="float32", name="videos")
        x = inputs
        if normalize is not None:
            x = PixelNormalization(normalize, dtype=dtype, name="normalize")(x)
        x = ConvNorm3D(
            _INNER_FILTERS, (1, 7, 7), (1, 2, 2), dtype=dtype, name="stem"
        )(x)
        x = MaxPooling3D((1, 3, 3), (1, 2, 2), dtype=dtype, name="stem_pool")(x)
        pyramid_outputs = {"stem": x}
        receptive_field = 1
        for stage, (num_blocks, temporal_kernel_size) in enumerate(_STAGES):
            inner_filters = _INNER_FILTERS * 2**stage
            for block in range(num_blocks):
                x = BottleneckBlock3D(
                    inner_filters,
                    inner_filters * _EXPANSION,
                    temporal_kernel_size,
                    stride=2 if stage > 0 and block == 0 else 1,
                    zero_init_residual=zero_init_residual,
                    dtype=dtype,
                    name=f"stage{stage + 1}_block{block + 1}",
                )(x)
                receptive_field += temporal_kernel_size - 1
            pyramid_outputs[f"stage{stage + 1}"] = x
        super().__init__(inputs=inputs, outputs=x, **kwargs)

        self.dtype_policy = dtype
        self.normalize = normalize
        self.zero_init_residual = zero_init_residual
        self._pyramid_outputs = pyramid_outputs
        self.receptive_field = receptive_field

    @property
    def pyramid_outputs(self):
        # Keras tracks attributes in dicts that JAX does not take as outputs.
        return dict(self._pyramid_outputs)

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "normalize": self.normalize,
            "input_shape": self.input_shape[1:],
            "zero_init_residual": self.zero_init_residual,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)
