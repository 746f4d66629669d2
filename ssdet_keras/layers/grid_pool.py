"""Grid Pool of Coarse-Fine Networks."""

import keras

from ssdet_keras import ops as ssdet_ops
from ssdet_keras.layers.conv3d import Conv3D
from ssdet_keras.layers.fused_batch_normalization import FusedBatchNormalization
from ssdet_keras.layers.interpolate_steps import interpolate_steps
from ssdet_keras.layers.interpolate_steps import uniform_positions
from ssdet_keras.layers.known_channels import known_channels
from ssdet_keras.ops.convolution_shapes import output_length


@keras.saving.register_keras_serializable(package="ssdet_keras")
class GridPool(keras.layers.Layer):
    """Pools time where it learns to: more steps where more happens.

    Every region of `ratio` frames gets a confidence. The higher it is, the
    shorter the interval of time that it is given, and the denser the steps that
    are sampled. Of 16 frames at ratio 4, with something of interest in the
    third quarter:

        frames      0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
        confidence  '---.1----' '---.5----' '---.9----' '---.6---'
        1 - it          .9          .5          .1          .4      sum: 1.9

        positions   0                   .474        .737 .789    1
        intervals   '--------.474--------'----.263----'-'--.211--'
        outputs     0                    1            2 3        4

    The confidences are those of a small network, which sees the features at
    half the frames, rows and columns after each of its convolutions:

        inputs -+------------------------------------ interpolate -- outputs
                |                                         |
                '- [conv 3x3x3 / 2, BN, ReLU] x 2         |
                     '- conv 1x3x3 / 2 to 1 channel       |
                          '- mean over space              |
                               '- sigmoid(x / 2) -- positions

    Intervals are `1 - confidence`, divided by their sum. `GridUnpool` gives
    outputs back their time.

    Args:
        ratio: Integer, a power of two above 1. Frames per region. Defaults to
            `4`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, frames, height, width,
            channels)`.
        training: Boolean. Whether batch statistics normalise.

    Returns:
        Tuple of the pooled features, shape `(batch, ceil(frames / ratio) + 1,
        height, width, channels)`, and the float32 positions of these steps,
        shape `(batch, ceil(frames / ratio) + 1)`: 0 is the first frame, 1 the
        last one, and positions don't decrease.

    Raises:
        ValueError: If `ratio` is not a power of two above 1, or the inputs are
            not of rank 5 or have unknown channels.

    Example:

    ```python
    layer = ssdet_keras.layers.GridPool()
    pooled, positions = layer(np.ones((2, 16, 56, 56, 24)))
    pooled.shape, positions.shape  # (2, 5, 56, 56, 24), (2, 5)
    ```

    Reference:
        [Kahatapitiya and Ryoo, 2021](https://arxiv.org/abs/2103.01302),
        "Grid Pool".
    """

    def __init__(self, ratio=4, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(ratio, int) or ratio < 2 or ratio & (ratio - 1):
            raise ValueError(
                "`ratio` must be a power of two above 1. "
                f"Received: ratio={ratio!r}"
            )
        self.ratio = ratio
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def build(self, input_shape):
        channels = known_channels(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=5, axes={-1: channels})
        self.convolutions, self.norms = [], []
        shape = tuple(input_shape)
        for index in range(1, self.ratio.bit_length()):
            convolution = Conv3D(
                channels,
                3,
                strides=2,
                dtype=self.dtype_policy,
                name=f"conv{index}",
            )
            norm = FusedBatchNormalization(
                activation="relu",
                dtype=self.dtype_policy,
                name=f"conv{index}_norm",
            )
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
            norm.build(shape)
            self.convolutions.append(convolution)
            self.norms.append(norm)
        # This layer holds the weights, for frames as images.
        self.confidence = keras.layers.Conv2D(
            1,
            3,
            strides=2,
            padding="same",
            data_format="channels_last",
            dtype=self.dtype_policy,
            name="confidence",
        )
        self.confidence.build(shape[1:])

    def call(self, inputs, training=None):
        x = inputs
        for convolution, norm in zip(
            self.convolutions, self.norms, strict=True
        ):
            x = norm(convolution(x), training=training)
        kernel, bias = self.confidence.kernel, self.confidence.bias
        x = ssdet_ops.spatial_conv3d(
            x, keras.ops.cast(kernel, x.dtype), stride=2
        )
        x = keras.ops.mean(keras.ops.cast(x, "float32"), axis=(2, 3, 4))
        positions = positions_of_confidences(
            x + keras.ops.cast(bias, "float32")
        )
        frames = uniform_positions(keras.ops.shape(inputs)[1])
        return interpolate_steps(inputs, frames, positions), positions

    def compute_output_spec(self, inputs, training=None):
        batch_size, steps, *sizes = inputs.shape
        for _ in range(1, self.ratio.bit_length()):
            steps = output_length(steps, 3, 2, 1)
        steps = None if steps is None else steps + 1
        return (
            keras.KerasTensor((batch_size, steps, *sizes), self.compute_dtype),
            keras.KerasTensor((batch_size, steps), "float32"),
        )

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio}


def positions_of_confidences(logits):
    """Returns the positions of the steps of a grid.

    Args:
        logits: Float32 tensor of shape `(batch, regions)`. Their halves are the
            logits of the confidences.

    Returns:
        Float32 tensor of shape `(batch, regions + 1)`.
    """
    # Of log(1 - confidence): lengths have a sum also where all would be zero.
    lengths = -keras.ops.softplus(logits / 2)
    longest = keras.ops.max(lengths, axis=1, keepdims=True)
    lengths = keras.ops.exp(lengths - longest)
    lengths = lengths / keras.ops.sum(lengths, axis=1, keepdims=True)
    # Sums of more numbers are never smaller here, as those of `cumsum` can be
    # where it is computed in parallel.
    region = keras.ops.arange(keras.ops.shape(logits)[1])
    ends = keras.ops.sum(
        keras.ops.where(region[:, None] >= region, lengths[:, None], 0.0),
        axis=2,
    )
    ends = keras.ops.minimum(ends[:, :-1], 1.0)
    first = keras.ops.zeros_like(logits[:, :1])
    return keras.ops.concatenate([first, ends, first + 1], axis=1)
