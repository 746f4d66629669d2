"""Finds the videos of a data set on disk."""

import errno
import os
from typing import NamedTuple

from ssdet_keras.data.fingerprint import fingerprint

VIDEO_SUFFIXES = frozenset((".mp4", ".mkv", ".avi", ".webm", ".mov", ".m4v"))

_NO_SUCH_NAME = (errno.ENAMETOOLONG, errno.EINVAL)


class VideoIndex:
    """Looks for videos below a folder, and lists each folder once.

    Asking the file system for 240,000 paths one by one takes minutes on a
    network disk; listing the folders that hold them takes seconds.

    Args:
        root: String, path or `None`. The folder. Without one, no video is
            looked for, and none is missing.

    Attributes:
        fingerprints: Dict of the path of each folder that was looked into, be
            it there or not, to its `fingerprint` before it was listed.

    Raises:
        FileNotFoundError: If there is no such folder.
    """

    def __init__(self, root):
        self.root = None if root is None else os.fspath(root)
        if root is not None and not os.path.isdir(self.root):
            raise FileNotFoundError(
                "The folder of the videos does not exist. "
                f"Received: video_root={self.root}"
            )
        self._listings = {}
        self.fingerprints = {}
        self.num_found = 0
        self.num_missing = 0

    def find(self, folders, names, repairs, video_id):
        """Returns the path of the first video that is there.

        Args:
            folders: Sequence of folder names below the root, "" for the root.
            names: Sequence of video names without suffix.
            repairs: `Repairs`, which counts a missing video.
            video_id: String.

        Returns:
            The path of a video file or of a folder of frames; the expected
            path of the first folder and name if there is none.
        """
        if self.root is None:
            return os.path.join(folders[0], names[0] + ".mp4")
        for folder in folders:
            listing = self._listings.get(folder) or self._list(folder)
            for name in names:
                video = listing.videos.get(name)
                if video is not None:
                    self.num_found += 1
                    return listing.prefix + video
        return self._miss(folders[0], names[0] + ".mp4", repairs, video_id)

    def find_file(self, path, repairs, video_id):
        """Returns the path below the root of a named video, there or not.

        Its suffix may be left out, or be that of another copy of the video.
        """
        folder, name = os.path.split(path)
        listing = self._list(folder)
        if name not in listing.names:
            name = listing.videos.get(name) or listing.videos.get(
                _video_stem(name)
            )
        if name is None:
            return self._miss(*os.path.split(path), repairs, video_id)
        self.num_found += 1
        return listing.prefix + name

    def check_any_found(self):
        """Raises an error if every video is missing."""
        if self.num_missing and not self.num_found:
            raise FileNotFoundError(
                f"None of the {self.num_missing:,} annotated videos is there. "
                f"Received: video_root={self.root}"
            )

    def has_folder(self, folder):
        """Tells whether a folder is there, and not empty."""
        return bool(self._list(folder).names)

    def list_names(self, folder):
        """Returns the sorted names in a folder, without hidden ones.

        Returns:
            Three lists: the names of video files, of folders and the others.
        """
        listing = self._list(folder)
        files, folders, others = [], [], []
        for name in sorted(listing.names):
            if name.startswith("."):
                continue
            if name in listing.folders:
                folders.append(name)
            else:
                (files if _video_stem(name) else others).append(name)
        return files, folders, others

    def _miss(self, folder, name, repairs, video_id):
        self.num_missing += 1
        repairs.add("missing_video", video_id)
        return os.path.join(self.root, folder, name)

    def _list(self, folder):
        listing = self._listings.get(folder)
        if listing is None:
            path = os.path.join(self.root, folder)
            self.fingerprints[path] = fingerprint(path)
            listing = self._listings[folder] = _scan(path)
        return listing


class _Listing(NamedTuple):
    prefix: str  # Path of the folder, with the separator.
    names: set
    folders: set
    videos: dict  # Names of video files by their stems, and of folders.


def _scan(path):
    listing = _Listing(os.path.join(path, ""), set(), set(), {})
    files = {}
    try:
        with os.scandir(path) as scan:
            for entry in scan:
                name = entry.name
                listing.names.add(name)
                stem = _video_stem(name)
                if stem:
                    files[stem] = min(name, files.get(stem, name))
                elif entry.is_dir():
                    listing.folders.add(name)
                    listing.videos[name] = name
    except (FileNotFoundError, NotADirectoryError, ValueError):
        pass
    except OSError as error:
        # Nor is a folder there whose name no folder can have.
        if error.errno not in _NO_SUCH_NAME:
            raise
    listing.videos.update(files)
    return listing


def _video_stem(name):
    """Returns the name of a video file without its suffix, or ""."""
    stem, dot, suffix = name.rpartition(".")
    return stem if dot + suffix.lower() in VIDEO_SUFFIXES else ""
