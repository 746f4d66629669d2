"""Labels that losses ignore."""

import numpy as np


def ignore_padding(labels, mask):
    """Returns labels that are negative at padding, which the losses leave out.

    Args:
        labels: Array of shape `(batch, frames, classes)`.
        mask: Array of shape `(batch, frames)`, 0 at padding.

    Returns:
        Float32 array of the shape of `labels`, for `DetectionLoss`,
        `FrameCrossEntropy` or `center_heat_maps`: -1 at padding.

    Example:

    ```python
    batches = ssdet_keras.data.ClipBatches(
        source,
        batch_size=16,
        transform=lambda batch: (
            batch["videos"],
            ssdet_keras.training.ignore_padding(batch["labels"], batch["mask"]),
        ),
    )
    ```
    """
    labels = np.where(mask[..., None] > 0, labels, -1)
    return labels.astype("float32")
