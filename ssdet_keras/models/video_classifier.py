"""Classification of clips."""

import keras

from ssdet_keras.models.make_head import make_head


@keras.saving.register_keras_serializable(package="ssdet_keras")
class VideoClassifier(keras.Model):
    """Classifies a clip as a whole.

        videos -- backbone -- mean over frames and space -- LinearHead -- logits

    The hidden layer of the head has `backbone.hidden_units` units, where the
    backbone has this attribute. The head is the same layer as that of
    `FrameDetector(head="linear")`, so that its weights can be carried over with
    `ssdet_keras.models.transfer_weights`.

    Args:
        backbone: `keras.Model` from `(batch, frames, height, width, 3)` to
            `(batch, frames, height, width, features)`, such as `X3DBackbone`.
        num_classes: Positive integer.
        dropout: Float in `[0, 1)`. Rate of dropout before the output layer.
            Defaults to `0.5`.
        **kwargs: Keyword arguments of `keras.Model`: `name`, `trainable`.

    Call arguments:
        inputs: Tensor of shape `(batch, frames, height, width, 3)`, uint8 or
            float, RGB pixels in `[0, 255]`.

    Returns:
        Float32 logits of shape `(batch, num_classes)`.

    Raises:
        ValueError: If the backbone does not give features of rank 5, or if an
            argument is out of range.

    Example:

    ```python
    backbone = ssdet_keras.models.X3DBackbone("m")
    classifier = ssdet_keras.models.VideoClassifier(backbone, num_classes=400)
    classifier(np.zeros((1, 16, 224, 224, 3), "uint8")).shape  # (1, 400)
    ```

    Reference:
        [Feichtenhofer, 2020](https://arxiv.org/abs/2004.04730), Table 1.
    """

    def __init__(self, backbone, num_classes, dropout=0.5, **kwargs):
        check_backbone(backbone)
        head = make_head("linear", num_classes, backbone, dropout)
        inputs = keras.Input(
            backbone.input_shape[1:], dtype="float32", name="videos"
        )
        features = keras.ops.mean(backbone(inputs), axis=(1, 2, 3))
        super().__init__(inputs=inputs, outputs=head(features), **kwargs)
        self.backbone = backbone
        self.head = head
        self.num_classes = num_classes
        self.dropout = float(dropout)

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "num_classes": self.num_classes,
            "dropout": self.dropout,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        config["backbone"] = keras.saving.deserialize_keras_object(
            config["backbone"], custom_objects=custom_objects
        )
        return cls(**config)


def check_backbone(backbone):
    """Raises a `ValueError` unless `backbone` maps videos to feature maps."""
    if not isinstance(backbone, keras.Model):
        raise ValueError(
            "`backbone` must be a `keras.Model`. "
            f"Received: backbone={backbone!r}"
        )
    shapes = (backbone.input_shape, backbone.output_shape)
    if not all(isinstance(s, tuple) and len(s) == 5 for s in shapes):
        raise ValueError(
            "`backbone` must map one tensor of rank 5 to one of rank 5. "
            f"Received: backbone.input_shape={shapes[0]}, "
            f"backbone.output_shape={shapes[1]}"
        )
