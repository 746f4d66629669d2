"""Training of the second stream of a detector."""

import keras

from ssdet_keras.models.two_stream_detector import TwoStreamDetector


@keras.saving.register_keras_serializable(package="ssdet_keras")
class SlowStreamTraining(keras.Model):
    """Trains a detector of two streams on features of the fast one.

    What is trained is `detector.slow_stream`, with everything that it does to
    the features. `detector.fast` is frozen. `save()` saves the whole detector,
    which detects in videos then.

    Args:
        detector: `TwoStreamDetector`, such as `SlowFastDetector`. Its fast
            stream must have the weights that the features come from.
        **kwargs: Keyword arguments of `keras.Model`, such as `name`.

    Call arguments:
        inputs: Dict of tensors, the inputs of `detector.slow_stream`.

    Returns:
        Float32 logits of shape `(batch, frames, num_classes)`.

    Raises:
        ValueError: If the detector is no `TwoStreamDetector`.

    Example:

    ```python
    features = ssdet_keras.data.FeatureFolder("fast_features")
    source = ssdet_keras.data.ClipSource(
        records, num_frames=64, frame_stride=10, features=features
    )
    model = ssdet_keras.training.SlowStreamTraining(detector)
    model.compile("sgd", ssdet_keras.training.DetectionLoss())
    model.fit(
        ssdet_keras.data.ClipBatches(
            source,
            batch_size=16,
            transform=lambda batch: (
                {name: batch[name] for name in model.input_names},
                batch["labels"],
            ),
        ),
        steps_per_epoch=100,
    )
    model.save("detector.keras")
    ```

    Reference:
        [Kahatapitiya and Ryoo, 2021](https://arxiv.org/abs/2103.01302), section
        4.1.
    """

    def __init__(self, detector, **kwargs):
        if not isinstance(detector, TwoStreamDetector):
            raise ValueError(
                "`detector` must be a `TwoStreamDetector`. "
                f"Received: detector={detector!r}"
            )
        # The inputs have the dtypes that the stream wants.
        kwargs = {"dtype": detector.dtype_policy, "autocast": False, **kwargs}
        super().__init__(**kwargs)
        detector.fast.trainable = False
        self.detector = detector
        self.built = True

    @property
    def input_names(self):
        """List of the names of the inputs."""
        return list(self.detector.slow_stream.input)

    def call(self, inputs, training=None):
        return self.detector.slow_stream(inputs, training=training)

    def save(self, filepath, overwrite=True, **kwargs):
        """Saves the detector, as `keras.Model.save` does."""
        self.detector.save(filepath, overwrite=overwrite, **kwargs)

    def get_config(self):
        return {
            "name": self.name,
            "detector": keras.saving.serialize_keras_object(self.detector),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        detector = keras.saving.deserialize_keras_object(
            config["detector"], custom_objects=custom_objects
        )
        return cls(**{**config, "detector": detector})
