"""What a temporal head is trained in, on features."""

import keras
import numpy as np

from ssdet_keras import models
from ssdet_keras import training


def make_models(head, num_channels):
    """Returns the model that is trained and the one that scores videos.

    MS-TCT is trained on a second output, the heat map of the centres. The
    second model has no optimizer, which takes twice the space of the weights.
    """
    inputs = {
        "features": keras.Input((None, num_channels), name="features"),
        "mask": keras.Input((None,), name="mask"),
    }
    options = {"mask": inputs["mask"] > 0}
    if isinstance(head, models.MSTCTHead):
        options["return_heat_map"] = True
    outputs = head(inputs["features"], **options)
    logits = outputs["logits"] if isinstance(outputs, dict) else outputs
    return keras.Model(inputs, outputs), keras.Model(inputs, logits)


def compile_model(model, learning_rate):
    """Compiles the model that is trained."""
    optimizer = keras.optimizers.Adam(learning_rate)
    if isinstance(model.output, dict):
        model.compile(
            optimizer,
            loss={
                "logits": training.FrameCrossEntropy(),
                "heat_map": training.HeatMapLoss(),
            },
            loss_weights={"logits": 1.0, "heat_map": 0.05},
        )
    else:
        model.compile(optimizer, loss=training.FrameCrossEntropy())


def to_example(batch, with_heat_map=False):
    """Returns inputs and targets of a batch of a `FeatureSource`."""
    labels = training.ignore_padding(batch["labels"], batch["mask"])
    inputs = {key: batch[key] for key in ("features", "mask")}
    if with_heat_map:
        heat_map = training.center_heat_maps(labels)
        return inputs, {"logits": labels, "heat_map": heat_map}
    return inputs, labels


def to_inputs(steps, multiple):
    """Returns the inputs for one video, padded to a multiple of steps.

    Args:
        steps: Float32 array of shape `(steps, channels)`.
        multiple: Integer.
    """
    num_more = -len(steps) % multiple
    mask = np.pad(np.ones(len(steps), "float32"), (0, num_more))
    features = np.pad(steps, ((0, num_more), (0, 0)))
    return {"features": features[None], "mask": mask[None]}
