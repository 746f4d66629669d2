"""The preparation of a whole data set."""

import functools
import os
import shutil

from ssdet_keras.data.prepare_video import UNFINISHED_PREFIX
from ssdet_keras.data.prepare_video import check_preparation
from ssdet_keras.data.prepare_video import prepare_video
from ssdet_keras.data.progress import Progress
from ssdet_keras.data.run_jobs import run_jobs


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
    if os.path.abspath(video_root) == os.path.abspath(output_dir):
        raise ValueError(
            "`output_dir` must be another folder than `video_root`. "
            f"Received: output_dir={output_dir}"
        )
    sources, failures = _match_targets(paths, video_root, output_dir, format)
    done = _open_folders(sources)
    pending = [(s, t) for t, s in sources.items() if t not in done]
    progress = Progress(len(pending), "prepared", verbose)
    for (source, _), _, error in run_jobs(
        functools.partial(
            _prepare,
            short_side=short_side,
            format=format,
            key_frame_interval=key_frame_interval,
        ),
        pending,
        num_processes,
    ):
        if error is not None:
            failures[source] = error
        progress.add(is_bad=error is not None)
    progress.close()
    return progress.num_done - progress.num_bad, failures


def _prepare(paths, **kwargs):
    source, target = paths
    return prepare_video(source, target, **kwargs)


def _match_targets(paths, video_root, output_dir, format):
    """Returns a dict of targets to sources, and the failures."""
    sources, failures = {}, {}
    # As the readers choose between `ID.avi` and `ID.mp4`: by name.
    for source in sorted({os.fspath(path) for path in paths}):
        name = os.path.relpath(source, video_root)
        if name.split(os.sep)[0] == os.pardir:
            raise ValueError(
                f"Videos must be below {video_root}. Received: {source}"
            )
        if not os.path.isdir(source):
            name = os.path.splitext(name)[0]
        suffix = ".mp4" if format == "mp4" else ""
        target = os.path.join(output_dir, name + suffix)
        if target in sources:
            failures[source] = f"{sources[target]} has the same name"
        else:
            sources[target] = source
    return sources, failures


def _open_folders(targets):
    """Makes the folders of the targets. Returns the paths that they hold.

    What a run that was killed left there is removed.
    """
    paths = set()
    for folder in {os.path.dirname(target) for target in targets}:
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if name.startswith(UNFINISHED_PREFIX):
                shutil.rmtree(path, ignore_errors=True)
            paths.add(path)
    return paths
