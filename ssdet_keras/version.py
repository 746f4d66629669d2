"""Version of the package."""

import functools
import pathlib
import subprocess

__version__ = "0.1.0"


@functools.cache
def get_commit():
    """Returns which code this is, to keep beside results.

    Git is asked once in a process, which runs the code that it has loaded.

    Returns:
        String: the git commit where the package runs from a checkout, with
        `-dirty` after it if files have been changed since; the version
        otherwise.
    """
    root = pathlib.Path(__file__).resolve().parents[1]
    # A checkout of something else may hold an installed package.
    if not (root / ".git").exists():
        return __version__
    command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    try:
        result = subprocess.run(
            [*command, "--exclude=*", "--abbrev=40"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return __version__
    return result.stdout.strip() or __version__
