"""What the files of detected segments share."""

import math

from ssdet_keras.evaluation.predictions import check_text


def number_classes(class_names):
    """Returns a dict of the name of a class to its index.

    Raises:
        ValueError: If there is no name, or one comes twice.
    """
    names = list(class_names)
    numbers = {name: index for index, name in enumerate(names)}
    if not names or len(numbers) < len(names):
        raise ValueError(
            "`class_names` must be at least one name, and different ones. "
            f"Received: {len(names)} names, {len(numbers)} different"
        )
    return numbers


def check_detections(detections, class_names):
    """Raises an error if detections can't be written.

    Args:
        detections: Dict of video id to a list of `DetectedSegment`.
        class_names: List of strings.
    """
    number_classes(class_names)
    for name in class_names:
        check_text("A class name", name)
    for video_id, segments in detections.items():
        check_text("A video id", video_id)
        for segment in segments:
            class_index, start, end, score = segment
            if not (
                0 <= class_index < len(class_names)
                and math.isfinite(score)
                and -math.inf < start <= end < math.inf
            ):
                raise ValueError(
                    "A segment must be one of the "
                    f"{len(class_names)} classes, end after it starts, and "
                    f"have a finite score. Received: {tuple(segment)} of "
                    f"video {video_id}"
                )
