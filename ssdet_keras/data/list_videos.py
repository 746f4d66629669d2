"""Lists the videos below a folder."""

import os

from ssdet_keras.data.video_index import VIDEO_SUFFIXES

_PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")


def list_videos(root):
    """Returns the paths of all videos below a folder, in order.

    Args:
        root: String or path. The folder.

    Returns:
        List of paths of video files, and of folders that hold pictures, whose
        names don't start with a dot, as those of unfinished ones do.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    root = os.fspath(root)
    if not os.path.isdir(root):
        raise FileNotFoundError(
            f"The folder of the videos does not exist. Received: {root}"
        )
    videos = []
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names = [name for name in names if not name.startswith(".")]
        videos += [
            os.path.join(folder, name)
            for name in names
            if os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES
        ]
        if folder != root and any(
            name.lower().endswith(_PICTURE_SUFFIXES) for name in names
        ):
            videos.append(folder)
    return sorted(videos)
