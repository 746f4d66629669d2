"""Reading of untrimmed videos."""

import numpy as np

from ssdet_keras.data.geometry import centre_box
from ssdet_keras.data.video_file import VideoFile


def read_whole_video(record, frame_stride=5, size=224, crop_scale=0.875):
    """Reads every `frame_stride`-th frame of a video, for evaluation.

    The frames are cropped and resized as those of a `ClipSource` that is not
    training, so that things are as large as a detector has learned them.

    Args:
        record: `VideoRecord`.
        frame_stride: Integer. Number of frames from one to the next.
        size: Integer. Height and width of the frames.
        crop_scale: Float in `(0, 1]`. Side of the centre crop, as a share of
            the short side. Defaults to `0.875`, which is 224 of 256 pixels.

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
    for name, value in (("frame_stride", frame_stride), ("size", size)):
        if value < 1:
            raise ValueError(
                f"`{name}` must be positive. Received: {name}={value}"
            )
    if not 0 < crop_scale <= 1:
        raise ValueError(
            "`crop_scale` must be in the range (0, 1]. "
            f"Received: crop_scale={crop_scale}"
        )
    with VideoFile(record.path, fps=record.fps) as video:
        indices = np.arange(0, video.num_frames, frame_stride)
        frames = video.read(
            indices,
            size=(size, size),
            box=centre_box(video.height, video.width, crop_scale),
        )
    return frames, indices
