"""The processes that launchers have started."""

import dataclasses
import os

# What `torchrun` sets, and what `srun` sets.
_NAMES = {
    "torchrun": ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
    "srun": ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
}


@dataclasses.dataclass(frozen=True)
class Processes:
    """This process among those that one command has started.

    Attributes:
        rank: Integer. Number of this process.
        num_processes: Integer.
        local_rank: Integer. Number of this process on its machine.
        address: String. `host:port` at which they find together.
    """

    rank: int
    num_processes: int
    local_rank: int
    address: str

    def __post_init__(self):
        if not 0 <= self.rank < self.num_processes or self.local_rank < 0:
            raise ValueError(
                "The rank of a process must be in the range [0, number of "
                f"processes). Received: rank={self.rank}, "
                f"num_processes={self.num_processes}, "
                f"local_rank={self.local_rank}"
            )

    def explain(self, error, timeout):
        """Returns a text on why the processes did not find together."""
        reason = str(error).splitlines()[0]
        if "EADDRINUSE" in str(error) or "already in use" in str(error):
            return (
                f"The port of {self.address} is taken, by another run perhaps: "
                f"choose another one. ({reason})"
            )
        return (
            f"Not all of {self.num_processes} processes came to "
            f"{self.address} within {timeout} s. Are as many started, each "
            "with its own rank, and is the address that of rank 0? Received: "
            f"rank={self.rank}. ({reason})"
        )


def read_processes():
    """Returns the `Processes` that the environment tells of, or `None`.

    They are those of `torchrun` (`RANK`, `WORLD_SIZE`, `LOCAL_RANK`,
    `MASTER_ADDR` and `MASTER_PORT`) or of `srun`.

    Raises:
        ValueError: If the environment contradicts itself.
    """
    for launcher, names in _NAMES.items():
        if names[1] not in os.environ:
            continue
        if launcher == "srun" and os.environ[names[1]] == "1":
            continue
        try:
            rank, num_processes, local_rank = (
                int(os.environ[name]) for name in names
            )
        except (KeyError, ValueError) as error:
            raise ValueError(
                f"The environment must hold the integers {', '.join(names)}, "
                f"as {launcher} sets them. Received: {error}"
            ) from error
        return Processes(rank, num_processes, local_rank, _read_address())
    return None


def _read_address():
    host = os.environ.get("MASTER_ADDR")
    if host is None:
        # Of the machine on which `srun` was called, in a batch job the first.
        host = os.environ.get("SLURM_LAUNCH_NODE_IPADDR", "127.0.0.1")
    port = os.environ.get("MASTER_PORT")
    if port is None:
        # Jobs that share a machine have different ones.
        port = 29500 + int(os.environ.get("SLURM_JOB_ID", 0)) % 1000
    return f"{host}:{port}"
