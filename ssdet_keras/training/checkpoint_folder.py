"""The checkpoints of a training run."""

import contextlib
import pathlib
import re

from absl import logging

from ssdet_keras.training.checkpoint import read_checkpoint


class CheckpointFolder:
    """The folder `checkpoints/` of a training run.

    Files are named after what was trained: `epoch_0007_step_000123.keras` holds
    7 epochs and 123 steps of the next one.

    Args:
        workdir: Folder of the run.
    """

    def __init__(self, workdir):
        self.path = pathlib.Path(workdir) / "checkpoints"

    def path_of(self, epoch, step):
        """Returns the path of a checkpoint."""
        return self.path / f"epoch_{epoch:04d}_step_{step:06d}.keras"

    def list_paths(self):
        """Returns the paths of all checkpoints, oldest first."""
        pattern = re.compile(r"epoch_(\d+)_step_(\d+)\.keras")
        found = {}
        for path in self.path.glob("*.keras"):
            match = pattern.fullmatch(path.name)
            if match:
                found[tuple(map(int, match.groups()))] = path
        return [found[position] for position in sorted(found)]

    def read_newest(self):
        """Returns the newest `Checkpoint` that is whole.

        Damaged ones that are newer get `.damaged` after their names, with a
        warning.

        Returns:
            `Checkpoint`, or `None` if there are no files.

        Raises:
            ValueError: If all are damaged.
        """
        paths = self.list_paths()
        damaged = []
        for path in reversed(paths):
            try:
                checkpoint = read_checkpoint(path)
            except ValueError as error:
                logging.warning("Left out a checkpoint: %s", error)
                damaged.append(path)
                continue
            for other in damaged:
                # Another process of the run may have been quicker.
                with contextlib.suppress(FileNotFoundError):
                    other.replace(other.with_name(f"{other.name}.damaged"))
            return checkpoint
        if damaged:
            raise ValueError(
                f"`{self.path}` must hold a checkpoint that is whole. "
                f"Received: {len(damaged)} that are damaged"
            )
        return None

    def remove_old(self, keep):
        """Removes all but the `keep` newest checkpoints.

        What a process that was killed has left half written goes, too.
        """
        for path in self.list_paths()[:-keep]:
            path.unlink()
        for path in self.path.glob(".*.keras"):
            path.unlink()
