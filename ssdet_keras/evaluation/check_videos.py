"""Comparison of what is predicted and annotated."""

import warnings


def check_videos(name, kind, predicted, records, stacklevel=4):
    """Checks that predictions are of annotated videos.

    Those that are not annotated are told by a warning.

    Args:
        name: String. Name of the argument with the predictions, for messages.
        kind: String. What its videos are, such as `"predicted"`.
        predicted: Dict of video id to predictions.
        records: List of annotated records.
        stacklevel: Integer. Which caller the warning names.

    Raises:
        ValueError: If either is empty, or they share no video.
    """
    for argument, value in ((name, predicted), ("annotations", records)):
        if not len(value):
            raise ValueError(
                f"`{argument}` must hold at least one video. Received: none"
            )
    ids = {record.id for record in records}
    unknown = [video_id for video_id in predicted if video_id not in ids]
    if len(unknown) == len(predicted):
        raise ValueError(
            f"`{name}` and `annotations` must share video ids. Received: "
            f"{name} of {name_some(unknown)}, annotations of "
            f"{name_some([record.id for record in records])}. Are they of "
            "another split or data set?"
        )
    if unknown:
        warnings.warn(
            f"{len(unknown)} of {len(predicted)} {kind} videos are not "
            f"annotated and are ignored: {name_some(unknown)}",
            stacklevel=stacklevel,
        )


def name_some(names, count=5):
    """Returns a few of many names as a text."""
    shown = ", ".join(map(str, names[:count]))
    return shown + (", ..." if len(names) > count else "")
