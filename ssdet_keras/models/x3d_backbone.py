"""X3D."""

import math

import keras

from ssdet_keras.layers.fused_batch_normalization import FusedBatchNormalization
from ssdet_keras.layers.pixel_normalization import PixelNormalization
from ssdet_keras.layers.pointwise_conv3d import PointwiseConv3D
from ssdet_keras.layers.x3d_block import X3DBlock
from ssdet_keras.layers.x3d_stem import X3DStem

_BASE_FILTERS = (12, 24, 48, 96)
_BASE_BLOCKS = (1, 2, 5, 3)
_BOTTLENECK = 2.25
_SQUEEZE = 1 / 16
_HIDDEN_UNITS = 2048

# Width and depth factors of the published variants.
_VARIANTS = {
    "xs": (2.0, 2.2),
    "s": (2.0, 2.2),
    "m": (2.0, 2.2),
    "l": (2.0, 5.0),
    "xl": (2.9, 5.0),
}


@keras.saving.register_keras_serializable(package="ssdet_keras")
class X3DBackbone(keras.Model):
    """X3D without its head: features of every frame of a video.

    Time is never strided. The shapes are those of X3D-M on its own clip:

        videos      16 x 224 x 224 x 3     uint8 or float pixels
        normalize
        stem        16 x 112 x 112 x 24    1x3x3 stride 2, depthwise 5x1x1
        stage1      16 x  56 x  56 x 24     3 blocks of 54 inner channels
        stage2      16 x  28 x  28 x 48     5 blocks of 108
        stage3      16 x  14 x  14 x 96    11 blocks of 216
        stage4      16 x   7 x   7 x 192    7 blocks of 432
        conv5       16 x   7 x   7 x 432   1x1x1, BN, ReLU

    Every block is an `ssdet_keras.layers.X3DBlock`; the first, third, ... of a
    stage have squeeze-excite. The variants, and the clips that they were
    published with:

        variant   blocks        channels         clip
        xs        3, 5, 11, 7   24 to 192        4 frames, stride 12, 160 x 160
        s         3, 5, 11, 7   24 to 192       13 frames, stride 6,  160 x 160
        m         3, 5, 11, 7   24 to 192       16 frames, stride 5,  224 x 224
        l         5, 10, 25, 15 24 to 192       16 frames, stride 5,  312 x 312
        xl        5, 10, 25, 15 32 to 280       16 frames, stride 5,  312 x 312

    Args:
        variant: `"xs"`, `"s"`, `"m"`, `"l"` or `"xl"`. Defaults to `"m"`.
        normalize: Statistics of the pixels: `"kinetics"`, `"charades"`,
            `"pytorchvideo"`, or `None` to use the inputs as they are.
            Defaults to `"kinetics"`.
        width: Positive float. Scales the channels of the variant, which are
            rounded to multiples of 8. Defaults to `1.0`.
        depth: Positive float. Scales the blocks per stage of the variant, which
            are rounded up. Defaults to `1.0`.
        input_shape: Shape of one video. Each size but the channels may be
            `None`, unknown. Defaults to `(None, None, None, 3)`.
        stem_temporal_initializer: Initializer of the temporal kernel of the
            stem. Defaults to `"he_normal"`.
        zero_init_residual: Boolean. Whether the blocks start as their
            shortcuts, as published. Small models learn faster from scratch
            without. Defaults to `True`.
        sub_batch_size: Integer or `None`. Clips that the BN of training
            normalises together, of which the batch must be a multiple; it was
            8 for the published weights. Inference and weights are the same.
            Defaults to `None`, the whole batch.
        dtype: Dtype policy of the layers. Defaults to the global policy.
        **kwargs: Keyword arguments of `keras.Model`: `name`, `trainable`.

    Call arguments:
        inputs: Tensor of shape `(batch, frames, height, width, 3)`, uint8 or
            float, RGB pixels in `[0, 255]`.

    Returns:
        Tensor of shape `(batch, frames, ceil(height / 32), ceil(width / 32),
        432)`.

    Attributes:
        pyramid_outputs: Dict of the symbolic outputs of `"stem"`, `"stage1"`,
            ..., `"stage4"`, at spatial strides 2, 4, 8, 16 and 32.
        hidden_units: Hidden units of the head that belongs to the variant.
        receptive_field: Frames that the features of a frame depend on, but for
            what squeeze-excite tells of the whole clip: 57 of M, 115 of L.

    Raises:
        ValueError: If an argument is unknown or out of range.

    Example:

    ```python
    backbone = ssdet_keras.models.X3DBackbone("m")
    backbone(np.zeros((1, 16, 224, 224, 3), "uint8")).shape  # 1, 16, 7, 7, 432

    stages = keras.Model(backbone.input, backbone.pyramid_outputs)
    ```

    Reference:
        [Feichtenhofer, 2020](https://arxiv.org/abs/2004.04730), Table 1; the
        factors and the rounding are those of
        [PySlowFast](https://github.com/facebookresearch/SlowFast).
    """

    def __init__(
        self,
        variant="m",
        normalize="kinetics",
        width=1.0,
        depth=1.0,
        input_shape=(None, None, None, 3),
        stem_temporal_initializer="he_normal",
        zero_init_residual=True,
        sub_batch_size=None,
        dtype=None,
        **kwargs,
    ):
        _check_arguments(variant, width, depth, input_shape)
        width_factor, depth_factor = _VARIANTS[variant]
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())

        inputs = keras.Input(input_shape, dtype="float32", name="videos")
        x = inputs
        if normalize is not None:
            x = PixelNormalization(normalize, dtype=dtype, name="normalize")(x)
        filters = round_filters(_BASE_FILTERS[0], width_factor * width)
        x = X3DStem(
            filters,
            stem_temporal_initializer,
            sub_batch_size,
            dtype=dtype,
            name="stem",
        )(x)
        pyramid_outputs = {"stem": x}
        for stage in range(4):
            filters = round_filters(_BASE_FILTERS[stage], width_factor * width)
            inner_filters = int(_BOTTLENECK * filters)
            num_blocks = math.ceil(_BASE_BLOCKS[stage] * depth_factor * depth)
            for block in range(num_blocks):
                has_squeeze = block % 2 == 0
                x = X3DBlock(
                    inner_filters,
                    filters,
                    stride=2 if block == 0 else 1,
                    squeeze_units=round_filters(inner_filters, _SQUEEZE)
                    if has_squeeze
                    else 0,
                    zero_init_residual=zero_init_residual,
                    sub_batch_size=sub_batch_size,
                    dtype=dtype,
                    name=f"stage{stage + 1}_block{block + 1}",
                )(x)
            pyramid_outputs[f"stage{stage + 1}"] = x
        x = PointwiseConv3D(
            inner_filters, use_bias=False, dtype=dtype, name="conv5"
        )(x)
        x = FusedBatchNormalization(
            activation="relu",
            sub_batch_size=sub_batch_size,
            dtype=dtype,
            name="conv5_norm",
        )(x)
        super().__init__(inputs=inputs, outputs=x, **kwargs)

        self.dtype_policy = dtype
        self.variant = variant
        self.normalize = normalize
        self.width = float(width)
        self.depth = float(depth)
        self.zero_init_residual = zero_init_residual
        self.sub_batch_size = sub_batch_size
        self.stem_temporal_initializer = keras.initializers.get(
            stem_temporal_initializer
        )
        self._pyramid_outputs = pyramid_outputs
        self.hidden_units = round_filters(_HIDDEN_UNITS, width)
        # 5 of the stem, and 3 of each block.
        self.receptive_field = 5 + 2 * sum(
            isinstance(layer, X3DBlock) for layer in self.layers
        )

    @property
    def pyramid_outputs(self):
        # Keras tracks attributes in dicts that JAX does not take as outputs.
        return dict(self._pyramid_outputs)

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "variant": self.variant,
            "normalize": self.normalize,
            "width": self.width,
            "depth": self.depth,
            "input_shape": self.input_shape[1:],
            "zero_init_residual": self.zero_init_residual,
            "sub_batch_size": self.sub_batch_size,
            "stem_temporal_initializer": keras.initializers.serialize(
                self.stem_temporal_initializer
            ),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)


def round_filters(filters, factor):
    """Returns `filters * factor` as a multiple of 8, at most 10 % lower."""
    scaled = filters * factor
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * scaled else rounded + 8


def _check_arguments(variant, width, depth, input_shape):
    if variant not in _VARIANTS:
        raise ValueError(
            f"`variant` must be one of {list(_VARIANTS)}. "
            f"Received: variant={variant!r}"
        )
    if width <= 0 or depth <= 0:
        raise ValueError(
            "`width` and `depth` must be positive. "
            f"Received: width={width}, depth={depth}"
        )
    if len(input_shape) != 4 or input_shape[-1] != 3:
        raise ValueError(
            "`input_shape` must be (frames, height, width, 3). "
            f"Received: input_shape={tuple(input_shape)}"
        )
