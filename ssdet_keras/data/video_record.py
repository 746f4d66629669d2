"""One annotated video."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class VideoRecord:
    """A video and the activities in it.

    A record is what the readers of the data sets give for each video. It
    holds no frames: `VideoFile(record.path)` reads those.

    Args:
        id: String. Name of the video in its data set.
        path: String. The video file, or the folder of its JPEG frames.
        fps: Float or `None`. Frames per second, where the annotations tell.
        num_frames: Integer or `None`. Number of frames, where they tell.
        duration: Float or `None`. Length in seconds, where they tell.
        segments: Tuple of `(class_index, start, end)`, start and end in
            seconds. A frame at time `t` shows the class if
            `start <= t <= end`.

    Example:

    ```python
    record = ssdet_keras.data.VideoRecord(
        id="7UPGT",
        path="Charades_v1_480/7UPGT.mp4",
        duration=23.21,
        segments=((149, 16.0, 22.2),),
    )
    ```
    """

    id: str
    path: str
    fps: float | None = None
    num_frames: int | None = None
    duration: float | None = None
    segments: tuple = ()
