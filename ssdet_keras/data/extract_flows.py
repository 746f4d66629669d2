"""The optical flow of a whole data set."""

import functools

from ssdet_keras.data.convert_videos import convert_videos
from ssdet_keras.data.extract_flow import check_short_side
from ssdet_keras.data.extract_flow import extract_flow


def extract_flows(
    paths,
    video_root,
    output_dir,
    short_side=256,
    shard=(1, 1),
    num_processes=None,
    verbose=True,
):
    """Extracts the flow of many videos, as `extract_flow()` does of one.

    A video `CLASS/ID.avi` of the root becomes `CLASS/ID.mkv`, so that the same
    annotations fit. Videos whose flow is there are passed over: an interrupted
    run goes on where it was. Videos that can't be read are passed over too, and
    told.

    Args:
        paths: Sequence of paths of videos below the root.
        video_root: String or path. The folder of the videos.
        output_dir: String or path. The folder of the flow, which is made.
        short_side: Integer. As of `extract_flow()`.
        shard: Tuple `(k, n)`. Of `n` callers that share the videos, on one
            machine or many, this is the `k`-th, from 1 on. Defaults to
            `(1, 1)`.
        num_processes: Integer or `None`. As of `run_jobs()`.
        verbose: Boolean. Whether to show the progress. Defaults to `True`.

    Returns:
        Tuple `(num_extracted, failures)`: the number of videos of flow that
        were written now, and a dict of paths to the reasons why there is none.

    Raises:
        ValueError: If an argument is out of its range, a video is not below
            the root, or the folder of the flow is that of the videos.

    Example:

    ```python
    if __name__ == "__main__":
        records = ssdet_keras.data.read_charades("train.csv", "videos")
        paths = [record.path for record in records]
        ssdet_keras.data.extract_flows(paths, "videos", "flow")
    ```
    """
    check_short_side(short_side)
    return convert_videos(
        functools.partial(_extract, short_side=short_side),
        paths,
        video_root,
        output_dir,
        ".mkv",
        "extracted",
        shard,
        num_processes,
        verbose,
    )


def _extract(source, target, short_side):
    import cv2

    threads = cv2.getNumThreads()
    # Other processes have the other cores.
    cv2.setNumThreads(1)
    try:
        return extract_flow(source, target, short_side)
    finally:
        cv2.setNumThreads(threads)
