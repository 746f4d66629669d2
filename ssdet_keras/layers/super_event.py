"""Scores of what a video is about."""

import keras
from keras import ops

from ssdet_keras.layers.temporal_structure_filter import TemporalStructureFilter


@keras.saving.register_keras_serializable(package="ssdet_keras")
class SuperEvent(keras.layers.Layer):
    """Scores every class from the temporal structure of the whole video.

        inputs --+-- filters1 -- dropout -- kernel -- x sigmoid(mixing) ----+
                 |                                                          +
                 +-- filters2 -- dropout -- kernel -- x 1 - sigmoid(mixing) +

    Both sets of `TemporalStructureFilter` share the kernel. Every class mixes
    them in its own way.

    Args:
        num_classes: Positive integer.
        num_filters: Positive integer. Filters of each set. Defaults to `3`.
        max_over_filters: Boolean. Whether the kernel sees the maximum over the
            filters of a set, in place of all of them. Defaults to `False`.
        dropout: Float in `[0, 1)`. Rate of dropout of the filtered features.
            Defaults to `0.7`.
        **kwargs: Keyword arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs: Float tensor of shape `(batch, steps, features)`.
        mask: Optional boolean tensor of shape `(batch, steps)`. The valid steps
            come first.
        training: Boolean. Whether to apply dropout.

    Returns:
        Logits of shape `(batch, num_classes)`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    layer = ssdet_keras.layers.SuperEvent(157)
    layer(np.ones((2, 40, 1024))).shape  # (2, 157)
    ```

    Reference:
        [Piergiovanni and Ryoo, 2018](https://arxiv.org/abs/1712.01938), section
        3.3. The maximum is that of the authors' code of temporal Gaussian
        mixtures.
    """

    def __init__(
        self,
        num_classes,
        num_filters=3,
        max_over_filters=False,
        dropout=0.7,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if num_classes < 1:
            raise ValueError(
                "`num_classes` must be a positive integer. "
                f"Received: num_classes={num_classes}"
            )
        if not 0 <= dropout < 1:
            raise ValueError(
                "`dropout` must be in the range [0, 1). "
                f"Received: dropout={dropout}"
            )
        self.num_classes = num_classes
        self.num_filters = num_filters
        self.max_over_filters = bool(max_over_filters)
        self.dropout = float(dropout)
        self.filters1, self.filters2 = (
            TemporalStructureFilter(
                num_filters, dtype=self.dtype_policy, name=name
            )
            for name in ("filters1", "filters2")
        )
        self.drop = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy, name="drop"
        )
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        features = input_shape[-1]
        self.filters1.build(input_shape)
        self.filters2.build(input_shape)
        self.mixing = self.add_weight(
            name="mixing",
            shape=(self.num_classes,),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )
        limit = (4 * features) ** -0.5
        self.kernel = self.add_weight(
            name="kernel",
            shape=(
                features * (1 if self.max_over_filters else self.num_filters),
                self.num_classes,
            ),
            initializer=keras.initializers.RandomUniform(-limit, limit),
        )

    def call(self, inputs, mask=None, training=None):
        share = ops.sigmoid(self.mixing)
        logits1, logits2 = (
            ops.matmul(
                self.drop(
                    self._flatten(filters(inputs, mask=mask)),
                    training=training,
                ),
                self.kernel,
            )
            for filters in (self.filters1, self.filters2)
        )
        return share * logits1 + (1 - share) * logits2

    def _flatten(self, filtered):
        """Returns filtered features as one vector of each video."""
        if self.max_over_filters:
            return ops.max(filtered, axis=1)
        size = filtered.shape[1] * filtered.shape[2]
        # The filters of one feature are neighbours, as in public checkpoints.
        return ops.reshape(ops.transpose(filtered, (0, 2, 1)), (-1, size))

    def compute_mask(self, inputs, previous_mask):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_classes)

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "num_filters": self.num_filters,
            "max_over_filters": self.max_over_filters,
            "dropout": self.dropout,
        }
