"""Finds the videos of a data set on disk."""

import os

VIDEO_SUFFIXES = (".mp4", ".mkv", ".avi", ".webm", ".mov", ".m4v")


class VideoIndex:
    """Looks for videos below a folder, and lists each folder once.

    Asking the file system for 240,000 paths one by one takes minutes on a
    network disk; listing the folders that hold them takes seconds.

    Args:
        root: String or path. The folder.

    Raises:
        FileNotFoundError: If there is no such folder.
    """

    def __init__(self, root):
        self.root = os.fspath(root)
        if not os.path.isdir(self.root):
            raise FileNotFoundError(
                "The folder of the videos does not exist. "
                f"Received: video_root={self.root}"
            )
        self._entries = {}
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
        for folder in folders:
            entries, _ = self._list(folder)
            for name in names:
                if name in entries:
                    self.num_found += 1
                    return os.path.join(self.root, folder, entries[name])
        return self.miss(folders[0], names[0] + ".mp4", repairs, video_id)

    def find_file(self, path, repairs, video_id):
        """Returns the path below the root of a named file, there or not."""
        folder, name = os.path.split(path)
        if name in self._list(folder)[1]:
            self.num_found += 1
            return os.path.join(self.root, path)
        return self.miss(folder, name, repairs, video_id)

    def miss(self, folder, name, repairs, video_id):
        """Counts a missing video and returns its expected path."""
        self.num_missing += 1
        repairs.add("missing_video", video_id)
        return os.path.join(self.root, folder, name)

    def check_any_found(self):
        """Raises an error if every video is missing."""
        if self.num_missing and not self.num_found:
            raise FileNotFoundError(
                f"None of the {self.num_missing:,} annotated videos is there. "
                f"Received: video_root={self.root}"
            )

    def has_folder(self, folder):
        """Tells whether a folder is there."""
        return bool(self._list(folder)[1])

    def _list(self, folder):
        """Returns the videos of a folder by their stems, and all its names."""
        if folder not in self._entries:
            self._entries[folder] = self._scan(os.path.join(self.root, folder))
        return self._entries[folder]

    def _scan(self, path):
        files, folders, names = {}, {}, set()
        try:
            with os.scandir(path) as scan:
                for entry in scan:
                    names.add(entry.name)
                    stem, suffix = os.path.splitext(entry.name)
                    if suffix.lower() in VIDEO_SUFFIXES:
                        files[stem] = min(
                            entry.name, files.get(stem, entry.name)
                        )
                    elif entry.is_dir():
                        folders[entry.name] = entry.name
        except (FileNotFoundError, NotADirectoryError):
            pass
        return {**folders, **files}, names
