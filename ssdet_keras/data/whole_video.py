"""Reading of untrimmed videos."""

import sys

from ssdet_keras.data.video_windows import VideoWindows


def read_whole_video(
    record, frame_stride=None, size=224, crop_scale=0.875, frame_rate=None
):
    """Reads every `frame_stride`-th frame of a video into memory.

    The frames are those of `VideoWindows`, which reads videos that are too
    long for memory.

    Args:
        record: `VideoRecord`.
        frame_stride: Integer. Number of frames from one to the next. Defaults
            to `5`, unless there is a `frame_rate`.
        size: Integer. Height and width of the frames.
        crop_scale: Float in `(0, 1]`. Side of the centre crop, as a share of
            the short side. Defaults to `0.875`, which is 224 of 256 pixels.
        frame_rate: Float or `None`. Frames per second, in place of
            `frame_stride`.

    Returns:
        Tuple `(frames, frame_indices)`: a uint8 array of shape `(T, size,
        size, 3)` and an int64 array of shape `(T,)`, with `T =
        ceil(num_frames / frame_stride)`.

    Raises:
        VideoReadError: If the video can't be read.
        ValueError: If an argument is out of its range.

    Example:

    ```python
    frames, indices = ssdet_keras.data.read_whole_video(records[0])
    logits = detector.predict(frames[None])[0]
    ```
    """
    windows = VideoWindows(
        record,
        window=sys.maxsize,
        overlap=0,
        frame_stride=frame_stride,
        frame_rate=frame_rate,
        size=size,
        crop_scale=crop_scale,
    )
    ((_, frames),) = windows
    return frames, windows.frame_indices
