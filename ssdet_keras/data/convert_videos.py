"""The conversion of a whole data set, video by video."""

import functools
import os
import shutil

from ssdet_keras.data.prepare_video import UNFINISHED_PREFIX
from ssdet_keras.data.prepare_video import unfinished_prefix
from ssdet_keras.data.progress import Progress
from ssdet_keras.data.run_jobs import run_jobs


def convert_videos(
    function,
    paths,
    video_root,
    output_dir,
    suffix,
    verb,
    shard=(1, 1),
    num_processes=None,
    verbose=True,
):
    """Makes a file or a folder of each of many videos.

    Videos whose target is there are passed over: an interrupted conversion
    goes on where it was. Videos that fail are passed over too, and told.

    Args:
        function: Function of the paths of a video and of its target, which
            appears when it is complete, as for `run_jobs()`.
        paths: Sequence of paths of videos below the root.
        video_root: String or path. The folder of the videos.
        output_dir: String or path. The folder of the targets, which is made.
        suffix: String. What the name of a target ends in, in place of the
            suffix of a file.
        verb: String. What is done, for the progress.
        shard: Tuple `(k, n)`. Of `n` callers that share the videos, this is
            the `k`-th, from 1 on. Defaults to `(1, 1)`.
        num_processes: Integer or `None`. As of `run_jobs()`.
        verbose: Boolean. Whether to show the progress. Defaults to `True`.

    Returns:
        Tuple `(num_converted, failures)`: the number of targets that were
        written now, and a dict of paths to the reasons why there is no target.

    Raises:
        ValueError: If a video is not below the root, or the folder of the
            targets is that of the videos.
    """
    if os.path.abspath(video_root) == os.path.abspath(output_dir):
        raise ValueError(
            "`output_dir` must be another folder than `video_root`. "
            f"Received: output_dir={output_dir}"
        )
    targets, failures = _match_targets(paths, video_root, output_dir, suffix)
    number, count = shard
    targets = dict(list(targets.items())[number - 1 :: count])
    failures = dict(list(failures.items())[number - 1 :: count])
    done = _open_folders(targets.values())
    pending = [pair for pair in targets.items() if pair[1] not in done]
    progress = Progress(len(pending), verb, verbose)
    for (source, _), _, error in run_jobs(
        functools.partial(_convert, function), pending, num_processes
    ):
        if error is not None:
            failures[source] = error
        progress.add(is_bad=error is not None)
    progress.close()
    return progress.num_done - progress.num_bad, failures


def _convert(function, pair):
    return function(*pair)


def _match_targets(paths, video_root, output_dir, suffix):
    """Returns a dict of sources to targets, and the failures."""
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
        target = os.path.join(output_dir, name + suffix)
        if target in sources:
            failures[source] = f"{sources[target]} has the same name"
        else:
            sources[target] = source
    return {source: target for target, source in sources.items()}, failures


def _open_folders(targets):
    """Makes the folders of the targets. Returns the paths that they hold.

    What a run that was killed left of these targets is removed. Another one may
    be at work on other targets of the folder.
    """
    paths = set()
    prefixes = {}
    for target in targets:
        folder, name = os.path.split(target)
        prefixes.setdefault(folder, set()).add(unfinished_prefix(name))
    for folder, names in prefixes.items():
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            # Behind the prefix are the random characters of `tempfile`.
            if (
                name.startswith(UNFINISHED_PREFIX)
                and name.rpartition("-")[0] + "-" in names
            ):
                shutil.rmtree(path, ignore_errors=True)
            paths.add(path)
    return paths
