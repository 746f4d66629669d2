"""Labels of frames."""

import numpy as np


def labels_at(record, times, num_classes):
    """Returns the labels of a video at given times.

    Args:
        record: `VideoRecord`.
        times: Sequence of floats, in seconds.
        num_classes: Integer.

    Returns:
        A multi-hot float32 array of shape `(len(times), num_classes)`: a class
        is positive where one of its segments has `start <= time <= end`.

    Raises:
        ValueError: If a segment's class index is not less than `num_classes`.

    Example:

    ```python
    labels = ssdet_keras.data.labels_at(record, np.arange(100) / 25, 157)
    ```
    """
    times = np.asarray(times, "float64")
    labels = np.zeros((len(times), num_classes), "float32")
    for index, start, end in record.segments:
        if not 0 <= index < num_classes:
            raise ValueError(
                f"Every class index must be less than num_classes="
                f"{num_classes}. Received: {index} of video {record.id!r}"
            )
        labels[(times >= start) & (times <= end), index] = 1.0
    return labels
