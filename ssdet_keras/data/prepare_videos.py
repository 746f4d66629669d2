"""The preparation of a whole data set."""

import functools

from ssdet_keras.data.convert_videos import convert_videos
from ssdet_keras.data.prepare_video import check_preparation
from ssdet_keras.data.prepare_video import prepare_video


def prepare_videos(
    paths,
    video_root,
    output_dir,
    short_side=256,
    format="mp4",
    key_frame_interval=16,
    num_processes=None,
    verbose=True,
):
    """Prepares many videos, as `prepare_video()` prepares one.

    A video `CLASS/ID.avi` of the root becomes `CLASS/ID.mp4`, or the folder
    `CLASS/ID` of frames, so that the same annotations fit. Videos whose copy
    is there are passed over: an interrupted preparation goes on where it was.
    Videos that can't be prepared are passed over too, and told.

    Args:
        paths: Sequence of paths of videos below the root.
        video_root: String or path. The folder of the videos.
        output_dir: String or path. The folder of the copies, which is made.
        short_side: Integer. As of `prepare_video()`.
        format: String. As of `prepare_video()`.
        key_frame_interval: Integer. As of `prepare_video()`.
        num_processes: Integer or `None`. As of `run_jobs()`.
        verbose: Boolean. Whether to show the progress. Defaults to `True`.

    Returns:
        Tuple `(num_prepared, failures)`: the number of copies that were
        written now, and a dict of paths to the reasons why there is no copy.

    Raises:
        ValueError: If an argument is out of its range, a video is not below
            the root, or the folder of the copies is that of the videos.

    Example:

    ```python
    if __name__ == "__main__":
        records = ssdet_keras.data.read_charades("train.csv", "videos")
        paths = [record.path for record in records]
        ssdet_keras.data.prepare_videos(paths, "videos", "small")
    ```
    """
    check_preparation(short_side, format, key_frame_interval)
    return convert_videos(
        functools.partial(
            prepare_video,
            short_side=short_side,
            format=format,
            key_frame_interval=key_frame_interval,
        ),
        paths,
        video_root,
        output_dir,
        ".mp4" if format == "mp4" else "",
        "prepared",
        num_processes=num_processes,
        verbose=verbose,
    )
