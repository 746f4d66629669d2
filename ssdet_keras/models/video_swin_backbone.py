"""Video Swin Transformer."""

import keras

from ssdet_keras.layers.pixel_normalization import PixelNormalization

# Width, blocks per stage and attention heads per stage.
_VARIANTS = {
    "tiny": (96, (2, 2, 6, 2), (3, 6, 12, 24)),
    "small": (96, (2, 2, 18, 2), (3, 6, 12, 24)),
    "base": (128, (2, 2, 18, 2), (4, 8, 16, 32)),
}


@keras.saving.register_keras_serializable(package="ssdet_keras")
class VideoSwinBackbone(keras.Model):
    """Video Swin Transformer of KerasCV, without its head.

    The shapes are those of the tiny variant on its own clip:

        videos      32 x 224 x 224 x 3     uint8 or float pixels
        normalize
        stem        16 x  56 x  56 x 96    patches of 2 x 4 x 4
        stage1      16 x  28 x  28 x 192   2 blocks, then patches are merged
        stage2      16 x  14 x  14 x 384   2 blocks, then patches are merged
        stage3      16 x   7 x   7 x 768   6 blocks, then patches are merged
        stage4      16 x   7 x   7 x 768   2 blocks
        output      16 x   7 x   7 x 768   layer norm

    KerasCV needs to know all sizes: a model is built for clips of one shape. Of
    small frames that are not square, its attention fails.
    `FrameDetector` interpolates the scores of every second frame to all frames.

    Args:
        variant: `"tiny"`, `"small"` or `"base"`. Defaults to `"tiny"`.
        normalize: Statistics of the pixels: `"imagenet"`, `"kinetics"`,
            `"charades"`, `"pytorchvideo"`, `"i3d"`, or `None` to use the inputs
            as they are. Defaults to `"imagenet"`.
        input_shape: Shape of one video, all sizes known: an even number of
            frames, an equal height and width that 32 divides, and 3. Defaults
            to `(32, 224, 224, 3)`.
        drop_path_rate: Float in `[0, 1)`. Rate of stochastic depth in the last
            block, from 0 in the first. Defaults to `0.2`.
        **kwargs: Keyword arguments of `keras.Model`: `name`, `trainable`.

    Call arguments:
        inputs: Tensor of shape `(batch, frames, height, width, 3)`, uint8 or
            float, RGB pixels in `[0, 255]`.

    Returns:
        Tensor of shape `(batch, frames / 2, height / 32, width / 32,
        features)`: 768 features, 1024 of the base variant.

    Attributes:
        pyramid_outputs: Dict of the symbolic outputs of `"stem"`, `"stage1"`,
            ..., `"stage4"`, at spatial strides 4, 8, 16, 32 and 32 and temporal
            stride 2.

    Raises:
        ImportError: If KerasCV is not installed.
        ValueError: If an argument is unknown or out of range.

    Example:

    ```python
    backbone = ssdet_keras.models.VideoSwinBackbone(
        "tiny", input_shape=(16, 224, 224, 3)
    )
    backbone(np.zeros((1, 16, 224, 224, 3), "uint8")).shape  # 1, 8, 7, 7, 768
    ```

    Reference:
        [Liu et al., 2022](https://arxiv.org/abs/2106.13230).
    """

    def __init__(
        self,
        variant="tiny",
        normalize="imagenet",
        input_shape=(32, 224, 224, 3),
        drop_path_rate=0.2,
        **kwargs,
    ):
        _check_arguments(variant, input_shape, drop_path_rate)
        width, depths, num_heads = _VARIANTS[variant]
        # A chain of layers, which are applied to normalised pixels.
        swin = _import_keras_cv().models.VideoSwinBackbone(
            input_shape=tuple(input_shape),
            embed_dim=width,
            depths=list(depths),
            num_heads=list(num_heads),
            drop_path_rate=drop_path_rate,
        )
        inputs = keras.Input(input_shape, dtype="float32", name="videos")
        x = inputs
        if normalize is not None:
            x = PixelNormalization(normalize, name="normalize")(x)
        x = swin.get_layer("videoswin_patching_and_embedding")(x)
        pyramid_outputs = {"stem": x}
        for stage in (1, 2, 3, 4):
            x = swin.get_layer(f"videoswin_basic_layer_{stage}")(x)
            pyramid_outputs[f"stage{stage}"] = x
        x = swin.get_layer("videoswin_top_norm")(x)
        super().__init__(inputs=inputs, outputs=x, **kwargs)

        self.variant = variant
        self.normalize = normalize
        self.drop_path_rate = float(drop_path_rate)
        self._pyramid_outputs = pyramid_outputs

    @property
    def pyramid_outputs(self):
        # Keras tracks attributes in dicts that JAX does not take as outputs.
        return dict(self._pyramid_outputs)

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "variant": self.variant,
            "normalize": self.normalize,
            "input_shape": self.input_shape[1:],
            "drop_path_rate": self.drop_path_rate,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)


def _import_keras_cv():
    try:
        # Here, as it imports TensorFlow, which takes seconds.
        import keras_cv
    except ImportError as error:
        raise ImportError(
            "`VideoSwinBackbone` is KerasCV's: pip install keras-cv. "
            f"Received: {error}"
        ) from error
    return keras_cv


def _check_arguments(variant, input_shape, drop_path_rate):
    if variant not in _VARIANTS:
        raise ValueError(
            f"`variant` must be one of {list(_VARIANTS)}. "
            f"Received: variant={variant!r}"
        )
    if not 0 <= drop_path_rate < 1:
        raise ValueError(
            "`drop_path_rate` must be in the range [0, 1). "
            f"Received: drop_path_rate={drop_path_rate}"
        )
    if (
        len(input_shape) != 4
        or input_shape[-1] != 3
        or input_shape[1] != input_shape[2]
        or any(
            not size or size % step
            for size, step in zip(input_shape, (2, 32, 32, 3), strict=True)
        )
    ):
        raise ValueError(
            "`input_shape` must be (frames, height, width, 3), all known, with "
            "an even number of frames, and an equal height and width that 32 "
            "divides. "
            f"Received: input_shape={tuple(input_shape)}"
        )
