"""Head of temporal Gaussian mixtures."""

import keras
from keras import ops

from ssdet_keras.layers.mask_steps import mask_steps
from ssdet_keras.layers.super_event import SuperEvent
from ssdet_keras.layers.temporal_gaussian_mixture import TemporalGaussianMixture
from ssdet_keras.models.temporal_head import TemporalHead


@keras.saving.register_keras_serializable(package="ssdet_keras")
class TGMHead(TemporalHead):
    """Classifies every step from its features and their motifs in time.

        features --+------------------------------------ dropout ------.
                   |                                                    |
                   +-- TGM -- TGM -- TGM -- max over channels -- dropout
                   |                                                    |
                   +-- super-event, optional ----------- dropout -----'
                                                                        |
                  logits -- output -- ReLU -- hidden -- ReLU -- concatenate

    Args:
        num_classes: Positive integer.
        super_events: Boolean. Whether the hidden layer also sees the logits of
            super-events of the video (TGM + SE). Defaults to `False`.
        num_layers: Positive integer. Layers of temporal Gaussian mixtures.
            Defaults to `3`.
        channels: Positive integer. Channels of each of them. Defaults to `8`.
        num_filters: Positive integer. Filters of each of them. Defaults to
            `16`.
        kernel_size: Positive integer. Steps of a kernel. Defaults to `5`.
        hidden_units: Positive integer. Defaults to `512`.
        dropout: Float in `[0, 1)`. Defaults to `0.5`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, features)`.
        mask: Optional boolean tensor of shape `(batch, steps)`, false at
            padding, whose contents have no effect on the valid steps. These
            come first.
        training: Boolean. Whether to apply dropout.

    Returns:
        Logits of shape `(batch, steps, num_classes)`, float32 under every dtype
        policy.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    head = ssdet_keras.models.TGMHead(65, super_events=True)
    head(np.ones((2, 40, 1024))).shape  # (2, 40, 65)
    ```

    Reference:
        [Piergiovanni and Ryoo, 2019](https://arxiv.org/abs/1803.06316). As in
        the authors' code, filters are of Cauchy's shape, the first layer has no
        ReLU, super-events take the maximum over their filters, and a ReLU
        follows the concatenation. There, what a layer gives at padding enters
        the next one; here padding stays zero, as beyond the end of a video.
    """

    def __init__(
        self,
        num_classes,
        super_events=False,
        num_layers=3,
        channels=8,
        num_filters=16,
        kernel_size=5,
        hidden_units=512,
        dropout=0.5,
        **kwargs,
    ):
        super().__init__(num_classes, dropout, **kwargs)
        if min(num_layers, hidden_units) < 1:
            raise ValueError(
                "`num_layers` and `hidden_units` must be positive integers. "
                f"Received: num_layers={num_layers}, "
                f"hidden_units={hidden_units}"
            )
        self.super_events = bool(super_events)
        self.num_layers = num_layers
        self.channels = channels
        self.num_filters = num_filters
        self.kernel_size = kernel_size
        self.hidden_units = hidden_units
        self.mixtures = [
            TemporalGaussianMixture(
                channels,
                num_filters,
                kernel_size,
                dtype=self.dtype_policy,
                name=f"mixture{i + 1}",
            )
            for i in range(num_layers)
        ]
        self.super_event = None
        if super_events:
            # Positions in time want float32.
            self.super_event = SuperEvent(
                num_classes,
                max_over_filters=True,
                dropout=0.0,
                dtype="float32",
                name="super_event",
            )
        self.hidden = keras.layers.Dense(
            hidden_units,
            activation="relu",
            dtype=self.dtype_policy,
            name="hidden",
        )
        self.output_layer = keras.layers.Dense(
            num_classes, dtype="float32", name="output"
        )

    def build(self, input_shape):
        features = input_shape[-1]
        channels = 1
        for mixture in self.mixtures:
            mixture.build((*input_shape, channels))
            channels = self.channels
        width = 2 * features
        if self.super_event is not None:
            self.super_event.build(input_shape)
            width += self.num_classes
        self.hidden.build((*input_shape[:-1], width))
        self.output_layer.build((*input_shape[:-1], self.hidden_units))

    def call(self, inputs, mask=None, training=None):
        x = mask_steps(inputs, mask)
        motifs = x[..., None]
        for mixture in self.mixtures:
            motifs = mask_steps(mixture(motifs), mask)
        parts = [x, ops.max(motifs, axis=-1)]
        parts = [self.drop(part, training=training) for part in parts]
        if self.super_event is not None:
            logits = self.drop(
                self.super_event(x, mask=mask, training=training),
                training=training,
            )
            logits = ops.cast(logits, x.dtype)[:, None]
            steps = ops.zeros_like(x[..., :1])
            parts.append(logits + steps)
        x = ops.relu(ops.concatenate(parts, axis=-1))
        return self.output_layer(self.hidden(x))

    def get_config(self):
        return {
            **super().get_config(),
            "super_events": self.super_events,
            "num_layers": self.num_layers,
            "channels": self.channels,
            "num_filters": self.num_filters,
            "kernel_size": self.kernel_size,
            "hidden_units": self.hidden_units,
        }
